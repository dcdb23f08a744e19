// Package republished counts the entries that the system put into its queue
// again, because the queue had lost them or nobody had taken them.
//
// It is the count "republished" of the snapshot at rest minus that of the
// baseline, taken before the script began. A scenario that loses the queue's
// data asks for some ("republished > 0"): without any, nothing was at stake.
//
// Minimum evidence: a completed drain, and both counts. A count that went back
// was in what was lost, and says nothing of how many there were: unknown.
//
// What makes it fail: "== 0" fails where anything was published again, "> 0"
// where nothing was.
package republished

import (
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "republished".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "republished",
		Summary:  "entries put into the queue again, since it had lost them or nobody had taken them",
		Doc:      "The stores' own count of entries published again, after a completed drain, less that before the script. A cost; in a drill that loses the queue, the proof that something was at stake.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "a completed drain, and snapshots before and after that count them",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct{ rest gates.Rest }

// Observe waits for the snapshots.
func (m *meter) Observe(e *gates.Event) { m.rest.ObserveRest(e) }

// Measure is the difference of the stores' counts.
func (m *meter) Measure() gates.Measurement {
	added, evidence, missing := m.rest.Added(history.CountRepublished)
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	return gates.Measurement{Value: float64(added), N: m.rest.Acknowledged(), Evidence: evidence}
}
