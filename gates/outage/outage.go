// Package outage measures the longest time in which no client could get an
// operation acknowledged while a load was running.
//
//	load invoke ──ok──ok─────────────ok──ok── load ok
//	                    └─ outage ─┘
//
// The edges count: from the start of the load to the first acknowledgement, and
// from the last one to the load's end. Several loads are merged: time counts
// while one of them runs. The gap between the operations of a slow load counts
// too, so a load should be much faster than the bound.
//
// Minimum evidence: loads that ran for a second, and one acknowledged operation
// during them. A load that was refused whole says nothing of how long an outage
// is: unknown, never a pass.
//
// What makes it fail: a window without any acknowledgement as long as the bound.
package outage

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// leastLoad is how long loads must have run for the lack of an outage to say
// something.
const leastLoad = time.Second

// Metric is "outage".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "outage",
		Summary:  "longest time in which no client got an operation acknowledged while a load ran",
		Doc:      "One sample a drill: the longest window without an acknowledgement, the load's own edges included.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "loads that ran for 1 s and one acknowledged operation",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	running int           // loads
	began   time.Duration // of the present stretch of loads
	ran     time.Duration // in all stretches before it
	mark    gates.Moment  // the stretch's begin or its last acknowledgement
	last    gates.Moment
	acked   int
	longest time.Duration
	edges   [2]uint64 // of the longest window
}

// Observe follows the loads, and the acknowledgements while one runs.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	switch {
	case e.Op == history.OpLoad && e.Phase == history.Invoke:
		if m.running == 0 {
			m.began, m.mark = e.At, m.last
		}
		m.running++
	case e.Op == history.OpLoad && m.running > 0:
		m.running--
		if m.running == 0 {
			m.closeWindow()
			m.ran += e.At - m.began
		}
	case e.Op == history.OpSubmit && e.Phase == history.OK && m.running > 0:
		m.acked++
		m.closeWindow()
		m.mark = m.last
	}
}

func (m *meter) closeWindow() {
	if gap := m.last.At - m.mark.At; gap > m.longest || m.edges[0] == 0 {
		m.longest, m.edges = gap, [2]uint64{m.mark.Seq, m.last.Seq}
	}
}

// Measure is one sample: the longest window.
func (m *meter) Measure() gates.Measurement {
	open := m.running > 0
	total := *m
	if open {
		total.closeWindow()
		total.ran += m.last.At - m.began
	}
	switch {
	case total.ran == 0:
		return gates.Measurement{Missing: "no load ran"}
	case m.acked == 0:
		return gates.Measurement{Missing: "no operation was acknowledged while a load ran"}
	case total.ran < leastLoad:
		return gates.Measurement{Missing: fmt.Sprintf("loads ran for %s only, and 1 s is the least", gates.FormatDuration(total.ran))}
	}
	return gates.Measurement{Samples: []gates.Sample{{
		Took: total.longest, Open: open, Evidence: total.edges[:],
		Note: fmt.Sprintf("nothing was acknowledged from event %d to event %d", total.edges[0], total.edges[1]),
	}}}
}
