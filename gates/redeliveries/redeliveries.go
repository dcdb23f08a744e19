// Package redeliveries counts the effects that the witness had seen before
// (208): work that was done again and did no harm. A cost, not a fault; in a
// calm scenario there is no reason for any.
//
// Minimum evidence: one effect, and a completed drain, because work may be
// delivered again as late as the system's longest lease or sweep.
//
// What makes it fail: an effect with a key that the witness knows.
package redeliveries

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "redeliveries".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "redeliveries",
		Summary: "effects that the witness had seen before: work done again without harm",
		Doc:     "Counts effects that the witness answered as seen (208).",
		Unit:    gates.Count,
		Needs:   "an effect and a completed drain",
		New:     func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	rest  gates.Rest
	found gates.Measurement
}

// Observe counts effects that were seen before.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	effect, ok := e.Effect()
	if !ok {
		return
	}
	m.found.N++
	if effect.Outcome != history.Seen {
		return
	}
	m.found.Value++
	m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
	if m.found.Note == "" {
		m.found.Note = fmt.Sprintf("%s repeated %q at event %d", effect.Replica, effect.Subject, e.Seq)
	}
}

// Measure is the number of effects that were seen before.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.AtLeast = found.Value > 0
	found.Missing = m.rest.NotDrained()
	if found.N == 0 {
		found.Missing = "no effect arrived"
	}
	return found
}
