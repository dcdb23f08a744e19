// Package availability measures the share of client operations that were
// acknowledged, at the first attempt or a retried one.
//
// Counted are operations that ended. One that ended with its outcome open
// (info) was not acknowledged: a client that must ask again has not been
// served. One that was refused (fail) was not either.
//
// Minimum evidence: 100 ended operations, of which one is a hundredth, and not
// all of them refused: a load that asks for what the system never takes says
// nothing of the system.
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
		Needs:    "100 ended operations, not all of them refused",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	acked, refused, ended int
	evidence              []uint64 // the first operations that were not acknowledged
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
	if e.Phase == history.Fail {
		m.refused++
	}
	m.evidence = gates.AppendEvidence(m.evidence, e.Seq)
}

// Measure is the share of acknowledged operations.
func (m *meter) Measure() gates.Measurement {
	if m.ended < leastOperations {
		return gates.Measurement{N: m.ended, Missing: fmt.Sprintf("%d operations ended, and %d are the least", m.ended, leastOperations)}
	}
	if m.refused == m.ended {
		return gates.Measurement{N: m.ended, Missing: "every operation was refused: the load asks for what the system does not take"}
	}
	found := gates.Measurement{Value: float64(m.acked) / float64(m.ended), N: m.ended, Evidence: m.evidence}
	if m.acked < m.ended {
		found.Note = fmt.Sprintf("%d of %d were not acknowledged", m.ended-m.acked, m.ended)
	}
	return found
}
