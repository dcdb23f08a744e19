// Package failfast measures how long a call takes to be refused by an open
// circuit breaker: the time that a caller loses on a backend that is known to be
// bad.
//
// The replicas measure it, because a refused call is seen by nobody else: each
// reports the durations of its refusals to the witness. They are times of their
// own clocks, and the only ones that a gate takes from them: a replica that
// reported refusals faster than they were would deceive itself only.
//
// What counts is what is told of a backend whose fault is in effect, from its proof
// to the begin of its recovery, and what is told later of refusals that had begun
// to wait by then. Elsewhere, and at other times, no breaker had a reason to open.
//
// Minimum evidence: a fault of a backend that was proved to be in effect, and 20
// such refusals; one that took too long fails without the others.
//
// What makes it fail: a refusal that waits: for a slot of the bulkhead, for a
// lock, for a callback, for the backend after all.
package failfast

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "fail_fast".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "fail_fast",
		Summary: "time until a call was refused by a breaker",
		Doc:     "One sample for each refusal of a bad backend that a replica reported while it was bad, on the replica's own clock.",
		Unit:    gates.Duration,
		Needs:   fmt.Sprintf("a fault of a backend, proved to be in effect, and %d calls to it that were refused meanwhile", enough),
		New:     func(h history.Header) gates.Meter { return &meter{times: gates.NewClocked(h)} },
	}
}

// enough refusals show something.
const enough = 20

type meter struct {
	faults gates.Faults
	times  gates.Clocked
	seq    uint64 // of the longest
	note   string
}

// Observe collects the refusals of bad backends.
func (m *meter) Observe(e *gates.Event) {
	m.faults.Observe(e.Event)
	m.times.Observe(e.Event)
	d, ok := e.Durations()
	if !ok || d.What != history.TookRefused {
		return
	}
	for _, took := range d.Took {
		if began := e.At - took; m.faults.BadSince(gates.BackendPrefix+d.Subject, began) {
			m.add(e, d, gates.Window{From: began, To: e.At}, took)
		}
	}
}

func (m *meter) add(e *gates.Event, d *history.Durations, span gates.Window, took time.Duration) {
	if m.times.Add(span, took, false) {
		m.seq, m.note = e.Seq, fmt.Sprintf("the longest: a call to %s, refused at %s", d.Subject, d.Replica)
	}
}

// Measure is all such refusals.
func (m *meter) Measure() gates.Measurement {
	missing := m.faults.NoneBad()
	if missing == "" && m.times.Len() == 0 {
		missing = "no call to a backend was refused by an open breaker while that was bad"
	}
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	found := gates.Measurement{N: m.times.Len(), Note: m.note, Evidence: []uint64{m.seq}, WhyBest: m.times.WhyBest()}
	found.Times, found.Best = m.times.Times()
	if found.N < enough {
		found.Vain = fmt.Sprintf("%d calls to a bad backend were refused, and %d are the least", found.N, enough)
	}
	return found
}
