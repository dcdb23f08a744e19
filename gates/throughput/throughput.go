// Package throughput measures how many jobs a second were done while a load was
// running.
//
//	load invoke ──effect──effect────effect──effect── load ok
//	     └──────────────────── time ────────────────────┘      jobs / time
//
// The time of all loads counts, faults and outages included; where loads overlap
// it counts once. It ends with the last submission that a load begins: one that
// hangs on behind that makes no load longer. A job counts with its first effect, however often it was tried.
// Those that are done after the load's end count for nothing: a system that
// takes more than it can do is not the faster for it.
//
// A load is an open loop: what it offers is the most that can be measured. Under
// a load that the system keeps up with, this is the rate of the load, give or
// take the chance in its pauses, and says nothing of what the system could do.
// A bound should be well below that rate, or the load well above what can be done.
//
// Minimum evidence: loads that ran for a second, and one job done during them; and
// a submission while each fault was in effect that is not mild, or a pass proves
// nothing. By as much as the harness stood still the rate may be higher in truth.
//
// What makes it fail: fewer jobs a second than the bound.
package throughput

import (
	"fmt"
	"math"
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
		Least:    math.SmallestNonzeroFloat64, // one job, in whatever time
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
	stake   gates.Stake
	running int           // loads
	began   time.Duration // of the present stretch of loads
	ran     time.Duration // in all stretches before it
	counted int           // jobs done in those
	span    gates.Window  // of all stretches
	last    mark          // the latest submission that was begun, or the load's begin
	now     time.Duration
	jobs    gates.Column[uint8]
	done    int           // in the present stretch
	ended   time.Duration // when the latest submission did
}

// mark is how many jobs were done at a moment.
type mark struct {
	at   time.Duration
	done int
}

// together is how soon behind the end of its last submission a load ends whose
// schedule was over before that.
const together = 500 * time.Millisecond

// Observe follows the loads, and counts what is done while one runs.
func (m *meter) Observe(e *gates.Event) {
	m.now = e.At
	m.stake.Observe(e)
	if e.Op == history.OpLoad {
		m.follow(e)
		return
	}
	if _, ok := e.Submit(); ok {
		if e.Phase == history.Invoke {
			m.last = mark{e.At, m.done}
		} else {
			m.ended = e.At
		}
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
			m.began, m.done, m.last, m.ended = e.At, 0, mark{}, 0
		}
		m.running++
	case m.running > 0:
		m.running--
		if m.running == 0 {
			m.count(m.stretch())
		}
	}
}

// stretch is how long the present loads have run, and what was done: until now, or
// until the last submission was begun if they have ended with one that hung on.
func (m *meter) stretch() mark {
	if m.last.at > 0 && m.running == 0 && m.now-m.ended <= together {
		return m.last
	}
	return mark{m.now, m.done}
}

func (m *meter) count(end mark) {
	if m.ran == 0 {
		m.span.From = m.began
	}
	m.ran += end.at - m.began
	m.counted += end.done
	m.span.To = end.at
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
	all := *m
	if m.running > 0 {
		all.count(m.stretch())
	}
	switch {
	case all.ran == 0:
		return gates.Measurement{Missing: "no load ran"}
	case all.counted == 0:
		return gates.Measurement{Missing: "no job was done while a load ran"}
	case all.ran < leastLoad:
		return gates.Measurement{Missing: fmt.Sprintf("loads ran for %s only, and 1 s is the least", gates.FormatDuration(all.ran))}
	}
	return gates.Measurement{
		Value: float64(all.counted) / all.ran.Seconds(), N: all.counted, Spans: all.span, Vain: m.stake.Unasked(),
		Note: fmt.Sprintf("%d jobs were done in %s", all.counted, gates.FormatDuration(all.ran)),
	}
}
