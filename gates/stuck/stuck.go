// Package stuck counts the jobs that are not terminal at rest: neither done nor
// given up after everything was healed and the machinery outlasted.
//
// The system's own stores tell it: the count "unfinished" of the snapshot at rest,
// less that of the baseline, taken before the script began. A project that keeps
// its data may have rows of earlier drills.
//
// Minimum evidence: an acknowledged submission, a completed drain, and that count;
// where it is not 0, the one before as well. Where fewer are unfinished than before,
// nobody knows whether those that are left are old: unknown.
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
		Doc:      "The stores' own count of unfinished jobs after a completed drain, less that before the script.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and snapshots before and after that count unfinished jobs",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct{ rest gates.Rest }

// Observe waits for the snapshot at rest.
func (m *meter) Observe(e *gates.Event) { m.rest.ObserveRest(e) }

// Measure is by how many jobs more than before are unfinished.
func (m *meter) Measure() gates.Measurement {
	if why := m.rest.NotDrained(); why != "" {
		return gates.Measurement{Missing: why}
	}
	after, seq, missing := m.rest.Count(history.SnapshotRest, history.CountUnfinished)
	if missing == "" && after == 0 && m.rest.Acknowledged() == 0 {
		missing = "no submission was acknowledged"
	}
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	found := gates.Measurement{
		Value: float64(after), N: m.rest.Acknowledged(), Final: true, Evidence: []uint64{seq},
		Note: fmt.Sprintf("of %d acknowledged jobs", m.rest.Acknowledged()),
	}
	if after > 0 {
		m.subtract(&found, after)
	}
	return found
}

// subtract takes off what was unfinished before. Some of that may have been done
// since, so that where less than before is left nobody knows whose it is.
func (m *meter) subtract(found *gates.Measurement, after int64) {
	before, first, missing := m.rest.Count(history.SnapshotBaseline, history.CountUnfinished)
	switch {
	case missing != "":
		found.Value, found.AtLeast, found.Most = 0, true, float64(after)
		found.Missing = missing + ": whether they were there before is not known"
	case after < before:
		found.Value, found.AtLeast, found.Most = 0, true, float64(after)
		found.Missing = fmt.Sprintf("%d were unfinished before, and %d are: whether any of these is new is not known", before, after)
	default:
		found.Value, found.Evidence = float64(after-before), []uint64{first, found.Evidence[0]}
		if before > 0 {
			found.Note += fmt.Sprintf("; %d were unfinished before", before)
		}
	}
}
