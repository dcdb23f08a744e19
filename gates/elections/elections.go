// Package elections counts how often a leadership changed hands: the terms that
// superseded another, over all leaderships.
//
// A term counts when it is seen to act, at its first effect that the witness
// accepted or had seen before. The first term of a leadership supersedes
// nothing. Counted is from the begin of the first injection that was proved to
// be in effect, so that what happened while the system started does not count;
// from the begin of the injection and not from its proof, because a successor
// may act before the harness has the proof. Without any fault in the history,
// all of it counts.
//
// A scenario asks for as many as it has caused ("elections == 4" after a
// session was terminated four times): one more is a leadership that was
// disturbed without being hit, one less is a successor that never acted. The lease
// of a job that goes to another worker is no election.
//
// Minimum evidence: a leader that acted, after the first proved fault began
// where there are faults; and the drill's end, or a completed drain. A record
// that breaks off knows the count from below only.
//
// What makes it fail: a change of hands that nobody caused, or one that did not
// come.
package elections

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "elections".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "elections",
		Summary: "how often a leadership changed hands, from the first fault on",
		Doc: "Counts the terms that superseded another and acted, over all leaderships, since the first proved fault " +
			"began; over the whole drill where nothing was broken.",
		Unit:     gates.Count,
		Requires: []string{"leader"},
		Needs:    "a leader that acted after the first proved fault began, and the drill's end or a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	terms gates.Terms
	rest  gates.Rest
	acted gates.Moment // a leader, the last time
}

// Observe follows the terms.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.terms.Observe(e)
	effect, ok := e.Effect()
	if ok && effect.Leadership != "" && effect.Outcome != history.Stale && !e.Leases().Is(effect.Leadership) {
		m.acted = gates.Moment{At: e.At, Seq: e.Seq}
	}
}

// Measure is the number of changes since the first proved fault.
func (m *meter) Measure() gates.Measurement {
	since, missing := m.since()
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	found := gates.Measurement{AtLeast: true, Missing: m.rest.CutShort()}
	changes := map[string]int{}
	for _, r := range m.terms.Changes() {
		if r.Begun.Seq < since.Seq {
			continue
		}
		changes[r.Leadership]++
		found.Value++
		found.Evidence = gates.AppendEvidence(found.Evidence, r.Begun.Seq)
	}
	found.N, found.Note = int(found.Value), tell(changes)
	if m.acted.Seq < since.Seq {
		found.Missing = "no leader was seen to act after the first fault"
	}
	return found
}

// since is where counting begins. Missing says why it cannot be known.
func (m *meter) since() (begin gates.Moment, missing string) {
	if !m.terms.Seen() {
		return begin, "no leader was seen to act"
	}
	lives := m.terms.Faults()
	if len(lives) == 0 {
		return begin, ""
	}
	for _, life := range lives {
		if life.InEffect.Happened() && (!begin.Happened() || life.Begun.Seq < begin.Seq) {
			begin = life.Begun
		}
	}
	if !begin.Happened() {
		missing = "no fault was proved to be in effect"
	}
	return begin, missing
}

// tell says which leaderships changed hands.
func tell(changes map[string]int) string {
	var parts []string
	for _, leadership := range slices.Sorted(maps.Keys(changes)) {
		parts = append(parts, fmt.Sprintf("%s %d", leadership, changes[leadership]))
	}
	return strings.Join(parts, ", ")
}
