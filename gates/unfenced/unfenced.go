// Package unfenced counts what was accepted from holders whose term had already
// been superseded: a leader that was paused, cut off or slow, and wrote on.
//
// Two kinds are counted. Effects: accepted ones of any kind that carry a
// leadership and a term below one that the witness had already taken an effect
// under; a missing term is below every term. Owned writes: those that the
// system's stores recorded as made under a term or token that was no longer the
// current one (count "unfenced_writes" of the snapshot at rest, less that of the
// baseline, taken before the script began).
//
// Minimum evidence: a completed drain; for a system with a leader, an effect
// that carries a term; for one that takes jobs, an acknowledged submission (at
// least a tenth of all, or a hundred) and an effect of a submitted subject; and
// where the stores count owned writes, one at least that is new. A system that does
// not count them is judged by its effects alone, and a pass says so: effects of the
// kind "fenced" are refused by the witness, so that only those of other kinds can
// show what the system does by itself.
//
// What makes it fail: an accepted effect, or a write, under a superseded term.
package unfenced

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "unfenced".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "unfenced",
		Summary:  "effects or owned writes accepted from a holder whose term had been superseded",
		Doc:      "Counts accepted effects under a superseded term, and owned writes that the stores saw made under one.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"fencing"},
		Needs:    "effects that carry a term, an acknowledged submission and its effect, new owned writes where the stores count them, and a completed drain",
		New: func(h history.Header) gates.Meter {
			return &meter{leader: h.Guarantees.Leader, jobs: gates.NewJobs(h), highest: map[string]uint64{}}
		},
	}
}

type meter struct {
	leader  bool
	rest    gates.Rest
	jobs    gates.Jobs
	highest map[string]uint64 // term, by leadership
	found   gates.Measurement
}

// Observe counts accepted effects below the highest term of their leadership.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	effect, ok := e.Effect()
	if !ok || effect.Leadership == "" || effect.Outcome == history.Stale {
		return
	}
	highest := m.highest[effect.Leadership]
	if effect.Term > 0 {
		m.found.N++
	}
	switch {
	case effect.Term > highest:
		m.highest[effect.Leadership] = effect.Term
	case effect.Term < highest && effect.Outcome == history.Accepted:
		m.found.Value++
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
		if m.found.Note == "" {
			m.found.Note = fmt.Sprintf("%s took effect in term %d of %s after term %d had (event %d)",
				effect.Replica, effect.Term, effect.Leadership, highest, e.Seq)
		}
	}
}

// Measure adds the writes that the stores counted.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.Missing = m.writes(&found)
	if m.leader && found.N == 0 {
		found.Missing = "no effect carried a leadership and a term"
	}
	if why := m.jobs.Missing(); why != "" {
		found.Missing = why
	}
	if why := m.rest.NotDrained(); why != "" {
		found.Missing = why
	}
	found.AtLeast = found.Value > 0
	return found
}

// writes adds the unfenced writes of the drill, and says what keeps them from
// being known.
func (m *meter) writes(found *gates.Measurement) (missing string) {
	if _, _, untold := m.rest.Count(history.SnapshotRest, history.CountOwnedWrites); untold != "" {
		if found.N == 0 {
			return "no effect carried a term, and " + untold
		}
		if found.Note == "" {
			found.Note = "judged by effects alone, of which the witness itself refuses those of the kind fenced: " + untold
		}
		return ""
	}
	unfenced, evidence, unknown := m.rest.Added(history.CountUnfencedWrites)
	if unknown != "" {
		return unknown
	}
	if unfenced > 0 {
		found.Value += float64(unfenced)
		found.Evidence = gates.AppendEvidence(found.Evidence, evidence...)
		if found.Note == "" {
			found.Note = fmt.Sprintf("the stores recorded %d writes under a superseded term", unfenced)
		}
	}
	owned, _, unknown := m.rest.Added(history.CountOwnedWrites)
	if unknown == "" && owned == 0 {
		return "no owned write was made"
	}
	return unknown
}
