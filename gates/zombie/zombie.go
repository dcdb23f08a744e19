// Package zombie counts the effects of zombies that were not refused. A zombie
// is a replica that was paused, lost its term meanwhile, and goes on under it
// once it is resumed: it cannot know better, so the outside world must.
//
//	pause ────────── resume invoke
//	   term 1          │   e(1) ──▶ refused: fine; accepted or seen: counted
//	         term 2  e─┼─e──e──
//
// A zombie's arrival is one from a victim of a pause, after its recovery was
// begun, under a term that was lost in that pause: the heir began in it, or within
// a second after. What the replica sends under a later term, or when it has been
// refused and a moment has passed, is not the pause's doing, and package overlap
// has it. The leases of jobs have zombies as well.
//
// Minimum evidence: such an arrival, refused or not, after a completed drain.
// Without one the race was not there and nothing is shown: a zombie that never
// knocks is no proof that the door is locked.
//
// What makes it fail: a zombie's effect that was accepted, or answered as seen
// before: the zombie was told that all is well.
package zombie

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "zombie".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "zombie",
		Summary: "effects that were not refused of replicas that were paused and resumed under a superseded term",
		Doc: "Counts arrivals of zombies that were accepted or seen. Unknown where no zombie was seen to knock; " +
			"how often they knocked and were refused is told beside it.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"leader", "fencing"},
		Needs:    "an arrival under a superseded term from a replica that was paused and resumed, and a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	terms   gates.Terms
	rest    gates.Rest
	taken   int
	refused int
	note    string // of the first that was taken
	let     []uint64
	turned  []uint64
}

// Observe counts the arrivals of zombies.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	late, ok := m.terms.Observe(e)
	if !ok || late.Zombie == nil {
		return
	}
	if late.Effect.Outcome == history.Stale {
		m.refused++
		m.turned = gates.AppendEvidence(m.turned, e.Seq)
		return
	}
	m.taken++
	m.let = gates.AppendEvidence(m.let, e.Seq)
	if m.note == "" {
		m.note = fmt.Sprintf("%s, resumed from %q, was %s in term %d of %s after term %d had begun (event %d)",
			late.Effect.Replica, late.Zombie.Detail.Fault, late.Effect.Outcome, late.Effect.Term,
			late.Heir.Leadership, late.Heir.Term, e.Seq)
	}
}

// Measure is the number of arrivals that were not refused. N counts all of
// them; the evidence of none are those that were refused.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{
		Value: float64(m.taken), N: m.taken + m.refused, AtLeast: m.taken > 0,
		Evidence: m.let, Missing: m.rest.NotDrained(),
	}
	switch {
	case found.N == 0:
		found.Missing = m.absent()
	case m.taken == 0:
		found.Note = fmt.Sprintf("zombies knocked %d times, and each was refused", m.refused)
		found.Evidence = m.turned
	default:
		found.Note = fmt.Sprintf("%s; %d of %d were refused", m.note, m.refused, found.N)
	}
	return found
}

// absent says why no zombie was seen.
func (m *meter) absent() string {
	var victims []string
	for _, life := range m.terms.Faults() {
		if life.Detail.Name == "pause" && life.Recover.Happened() {
			victims = append(victims, life.Detail.Victims...)
		}
	}
	if victims == nil {
		return "no process was paused and resumed"
	}
	slices.Sort(victims)
	return fmt.Sprintf("nothing arrived from %s under a term that it had lost while it was paused: the race was not there",
		strings.Join(slices.Compact(victims), ", "))
}
