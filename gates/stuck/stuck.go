// Package stuck counts the jobs that are not terminal at rest: neither done nor
// given up after everything was healed and the machinery outlasted.
//
// The system's own stores tell it (count "unfinished" of the snapshot at rest).
//
// Minimum evidence: an acknowledged submission, a completed drain, and that
// count.
//
// What makes it fail: a job that nobody works on any more and nobody gave up.
package stuck

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "stuck".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "stuck",
		Summary:  "jobs that are not terminal at rest",
		Doc:      "The stores' own count of unfinished jobs after a completed drain.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and a snapshot at rest that counts unfinished jobs",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct{ rest gates.Rest }

// Observe waits for the snapshot at rest.
func (m *meter) Observe(e *gates.Event) { m.rest.ObserveRest(e) }

// Measure is the stores' count.
func (m *meter) Measure() gates.Measurement {
	if why := m.rest.NotDrained(); why != "" {
		return gates.Measurement{Missing: why}
	}
	n, seq, missing := m.rest.Count(history.SnapshotRest, history.CountUnfinished)
	if missing == "" && n == 0 && m.rest.Acknowledged() == 0 {
		missing = "no submission was acknowledged"
	}
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	return gates.Measurement{
		Value: float64(n), N: m.rest.Acknowledged(), Final: true, Evidence: []uint64{seq},
		Note: fmt.Sprintf("of %d acknowledged jobs", m.rest.Acknowledged()),
	}
}
