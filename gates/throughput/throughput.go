// Package throughput measures how many operations a second were acknowledged
// while a load was running.
//
//	load invoke ──ok──ok────ok──ok──ok── load ok
//	     └──────────── time ───────────────┘      operations / time
//
// The time of all loads counts, faults and outages included; where loads overlap
// it counts once. Operations count when they are acknowledged, whatever attempt
// brought it. Those that are acknowledged after the load's end count for nothing.
//
// A load is an open loop: what it offers is the most that can be measured. Under
// a load that the system keeps up with, this is the rate of the load, give or
// take the chance in its pauses, and says nothing of what the system could do.
// A bound should be well below that rate.
//
// Minimum evidence: loads that ran for a second, and one acknowledged operation
// during them.
//
// What makes it fail: fewer acknowledgements a second than the bound.
package throughput

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// leastLoad is how long loads must have run for their rate to say something.
const leastLoad = time.Second

// Metric is "throughput".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "throughput",
		Summary: "operations acknowledged a second while a load ran",
		Doc: "Operations acknowledged while a load ran, by the time in which one did, outages included. " +
			"What the load offers is the most that can be measured.",
		Unit:     gates.Rate,
		Requires: []string{"jobs"},
		Needs:    "loads that ran for 1 s and one acknowledged operation",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	running int           // loads
	began   time.Duration // of the present stretch of loads
	ran     time.Duration // in all stretches before it
	last    time.Duration
	acked   int
}

// Observe follows the loads, and counts the acknowledgements while one runs.
func (m *meter) Observe(e *gates.Event) {
	m.last = e.At
	switch {
	case e.Op == history.OpLoad && e.Phase == history.Invoke:
		if m.running == 0 {
			m.began = e.At
		}
		m.running++
	case e.Op == history.OpLoad && m.running > 0:
		m.running--
		if m.running == 0 {
			m.ran += e.At - m.began
		}
	case e.Op == history.OpSubmit && e.Phase == history.OK && m.running > 0:
		m.acked++
	}
}

// Measure is the acknowledged operations by the time of the loads.
func (m *meter) Measure() gates.Measurement {
	ran := m.ran
	if m.running > 0 {
		ran += m.last - m.began
	}
	switch {
	case ran == 0:
		return gates.Measurement{Missing: "no load ran"}
	case m.acked == 0:
		return gates.Measurement{Missing: "no operation was acknowledged while a load ran"}
	case ran < leastLoad:
		return gates.Measurement{Missing: fmt.Sprintf("loads ran for %s only, and 1 s is the least", gates.FormatDuration(ran))}
	}
	return gates.Measurement{
		Value: float64(m.acked) / ran.Seconds(), N: m.acked,
		Note: fmt.Sprintf("%d operations were acknowledged in %s", m.acked, gates.FormatDuration(ran)),
	}
}
