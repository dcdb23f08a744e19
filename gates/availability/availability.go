// Package availability measures the share of client operations that were
// acknowledged, at the first attempt or a retried one.
//
// Counted are operations that ended. One that ended with its outcome open
// (info) was not acknowledged: a client that must ask again has not been
// served. One that was refused (fail) was not either.
//
// Minimum evidence: 100 ended operations, of which one is a hundredth.
//
// What makes it fail: too many operations that were refused or left open.
package availability

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// leastOperations is how many operations must have ended.
const leastOperations = 100

// Metric is "availability".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "availability",
		Summary:  "share of client operations acknowledged, at the first or a retried attempt",
		Doc:      "Acknowledged operations by ended ones. Refused and open outcomes count as not acknowledged.",
		Unit:     gates.Share,
		Requires: []string{"jobs"},
		Needs:    "100 ended operations",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	acked, ended int
	refused      []uint64 // the first operations that were not acknowledged
}

// Observe counts the ends of operations.
func (m *meter) Observe(e *gates.Event) {
	if e.Op != history.OpSubmit || e.Phase == history.Invoke {
		return
	}
	m.ended++
	if e.Phase == history.OK {
		m.acked++
		return
	}
	m.refused = gates.AppendEvidence(m.refused, e.Seq)
}

// Measure is the share of acknowledged operations.
func (m *meter) Measure() gates.Measurement {
	if m.ended < leastOperations {
		return gates.Measurement{N: m.ended, Missing: fmt.Sprintf("%d operations ended, and %d are the least", m.ended, leastOperations)}
	}
	found := gates.Measurement{Value: float64(m.acked) / float64(m.ended), N: m.ended, Evidence: m.refused}
	if m.acked < m.ended {
		found.Note = fmt.Sprintf("%d of %d were not acknowledged", m.ended-m.acked, m.ended)
	}
	return found
}
