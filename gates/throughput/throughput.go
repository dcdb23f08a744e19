// Package throughput measures how many jobs a second were done while a load was
// running.
//
//	load invoke ──effect──effect────effect──effect── load ok
//	     └──────────────────── time ────────────────────┘      jobs / time
//
// The time of all loads counts, faults and outages included; where loads overlap
// it counts once. A job counts with its first effect, however often it was tried.
// Those that are done after the load's end count for nothing: a system that
// takes more than it can do is not the faster for it.
//
// A load is an open loop: what it offers is the most that can be measured. Under
// a load that the system keeps up with, this is the rate of the load, give or
// take the chance in its pauses, and says nothing of what the system could do.
// A bound should be well below that rate, or the load well above what can be done.
//
// Minimum evidence: loads that ran for a second, and one job done during them.
//
// What makes it fail: fewer jobs a second than the bound.
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
		Summary: "jobs done a second while a load ran",
		Doc: "Jobs that had their first effect while a load ran, by the time in which one did, outages included. " +
			"What the load offers is the most that can be measured.",
		Unit:     gates.Rate,
		Requires: []string{"jobs"},
		Needs:    "loads that ran for 1 s and one job done",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

// What is known of a subject.
const (
	submitted = 1 + iota
	done
)

type meter struct {
	running int           // loads
	began   time.Duration // of the present stretch of loads
	ran     time.Duration // in all stretches before it
	last    time.Duration
	jobs    gates.Column[uint8]
	done    int // while a load ran
}

// Observe follows the loads, and counts what is done while one runs.
func (m *meter) Observe(e *gates.Event) {
	m.last = e.At
	if e.Op == history.OpLoad {
		m.follow(e)
		return
	}
	if _, ok := e.Submit(); ok {
		if job := m.job(e); *job == 0 {
			*job = submitted
		}
		return
	}
	if effect, ok := e.Effect(); ok && effect.Outcome == history.Accepted && e.Err == "" { // with an error, its key was another subject's
		m.effect(m.job(e))
	}
}

// follow keeps the time in which loads ran.
func (m *meter) follow(e *gates.Event) {
	switch {
	case e.Phase == history.Invoke:
		if m.running == 0 {
			m.began = e.At
		}
		m.running++
	case m.running > 0:
		m.running--
		if m.running == 0 {
			m.ran += e.At - m.began
		}
	}
}

func (m *meter) job(e *gates.Event) *uint8 {
	subject, _ := e.Subject()
	return m.jobs.At(subject)
}

// effect counts the first one of a job. What nobody submitted, such as a leader's
// effects, is no job.
func (m *meter) effect(job *uint8) {
	if *job != submitted {
		return
	}
	*job = done
	if m.running > 0 {
		m.done++
	}
}

// Measure is the jobs done by the time of the loads.
func (m *meter) Measure() gates.Measurement {
	ran := m.ran
	if m.running > 0 {
		ran += m.last - m.began
	}
	switch {
	case ran == 0:
		return gates.Measurement{Missing: "no load ran"}
	case m.done == 0:
		return gates.Measurement{Missing: "no job was done while a load ran"}
	case ran < leastLoad:
		return gates.Measurement{Missing: fmt.Sprintf("loads ran for %s only, and 1 s is the least", gates.FormatDuration(ran))}
	}
	return gates.Measurement{
		Value: float64(m.done) / ran.Seconds(), N: m.done,
		Note: fmt.Sprintf("%d jobs were done in %s", m.done, gates.FormatDuration(ran)),
	}
}
