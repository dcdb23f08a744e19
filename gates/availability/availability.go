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
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

const (
	// leastOperations is how many operations must have ended.
	leastOperations = 100
	// leastMet is how many of them must have met a fault, where there was one.
	leastMet = 20
	// aftermath is how long after its recovery a fault is still met.
	aftermath = time.Second
)

// Metric is "availability".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "availability",
		Summary:  "share of client operations acknowledged, at the first or a retried attempt",
		Doc:      "Acknowledged operations by ended ones. Refused and open outcomes count as not acknowledged.",
		Unit:     gates.Share,
		Requires: []string{"jobs"},
		Needs:    "100 ended operations, not all of them refused, and 20 while faults were in effect",
		New:      func(h history.Header) gates.Meter { return &meter{stalls: gates.NewStalls(h)} },
	}
}

type meter struct {
	stalls                gates.Stalls
	stake                 gates.Stake
	acked, refused, ended int
	met                   int            // asked for while a fault was in effect
	unserved              []gates.Window // operations that were not acknowledged
	evidence              []uint64       // the first of them
}

// Observe counts the ends of operations.
func (m *meter) Observe(e *gates.Event) {
	m.stalls.Observe(e.Event)
	m.stake.Observe(e)
	submit, ok := e.Submit()
	if !ok || e.Phase == history.Invoke {
		return
	}
	m.ended++
	asked := submit.Intended
	if asked <= 0 {
		asked = e.At
	}
	if m.meets(asked, e.At) {
		m.met++
	}
	if e.Phase == history.OK {
		m.acked++
		return
	}
	if e.Phase == history.Fail {
		m.refused++
	}
	m.unserved = append(m.unserved, gates.Window{From: asked, To: e.At})
	m.evidence = gates.AppendEvidence(m.evidence, e.Seq)
}

// meets says whether a fault was in effect at any time since then.
func (m *meter) meets(since, now time.Duration) bool {
	return slices.ContainsFunc(m.stake.Faults(), func(l *gates.FaultLife) bool {
		over := l.Healed.Happened() && l.Healed.At < since-aftermath
		return l.Bites(now) && !over && !l.Detail.Mild
	})
}

// Measure is the share of acknowledged operations.
func (m *meter) Measure() gates.Measurement {
	if m.ended < leastOperations {
		return gates.Measurement{N: m.ended, Missing: fmt.Sprintf("%d operations ended, and %d are the least", m.ended, leastOperations)}
	}
	if m.refused == m.ended {
		return gates.Measurement{N: m.ended, Missing: "every operation was refused: the load asks for what the system does not take"}
	}
	found := gates.Measurement{Value: float64(m.acked) / float64(m.ended), N: m.ended, Evidence: m.evidence, Vain: m.unmet()}
	if m.acked < m.ended {
		found.Note = fmt.Sprintf("%d of %d were not acknowledged", m.ended-m.acked, m.ended)
	}
	if excused := m.excused(); excused > 0 {
		found.AtLeast, found.Most, found.Missing = true, float64(m.acked+excused)/float64(m.ended), m.stalls.Tell()
	}
	return found
}

// excused counts the operations that were not acknowledged while the harness stood
// still for half of the time.
func (m *meter) excused() (n int) {
	for _, w := range m.unserved {
		if stalled := m.stalls.Within(w); stalled > 0 && stalled >= (w.To-w.From)/2 {
			n++
		}
	}
	return n
}

// unmet says why the faults were not met; empty where they were, or there was none.
func (m *meter) unmet() string {
	if why := m.stake.Unasked(); why != "" {
		return why
	}
	proved := slices.ContainsFunc(m.stake.Faults(), func(l *gates.FaultLife) bool { return l.InEffect.Happened() && !l.Detail.Mild })
	if proved && m.met < leastMet {
		return fmt.Sprintf("%d operations were asked for while faults were in effect, and %d are the least", m.met, leastMet)
	}
	return ""
}
