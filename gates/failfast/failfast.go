// Package failfast measures how long a call takes to be refused by an open
// circuit breaker: the time that a caller loses on a backend that is known to be
// bad.
//
// The replicas measure it, because a refused call is seen by nobody else: each
// reports the durations of its refusals to the witness. They are times of their
// own clocks, and the only ones that a gate takes from them: a replica that
// reported refusals faster than they were would deceive itself only.
//
// Minimum evidence: a fault of a backend that was proved to be in effect, and a
// refusal. Without the fault no breaker had a reason to open.
//
// What makes it fail: a refusal that waits: for a slot of the bulkhead, for a
// lock, for a callback, for the backend after all.
package failfast

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "fail_fast".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "fail_fast",
		Summary: "time until a call was refused by a breaker",
		Doc:     "One sample for each refusal that a replica reported, on the replica's own clock.",
		Unit:    gates.Duration,
		Needs:   "a fault of a backend, proved to be in effect, and a refused call",
		New:     func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	faults gates.Faults
	times  gates.TimesBuilder
	seq    uint64 // of the longest
	note   string
}

// Observe collects the refusals.
func (m *meter) Observe(e *gates.Event) {
	m.faults.Observe(e.Event)
	d, ok := e.Durations()
	if !ok || d.What != history.TookRefused {
		return
	}
	for _, took := range d.Took {
		if m.times.Add(took, false) {
			m.seq, m.note = e.Seq, fmt.Sprintf("the longest: a call to %s, refused at %s", d.Subject, d.Replica)
		}
	}
}

// Measure is all refusals.
func (m *meter) Measure() gates.Measurement {
	missing := m.faults.NoneBad()
	if missing == "" && m.times.Len() == 0 {
		missing = "no call was refused by an open breaker"
	}
	if missing != "" {
		return gates.Measurement{Missing: missing}
	}
	return gates.Measurement{Times: m.times.Times(), N: m.times.Len(), Note: m.note, Evidence: []uint64{m.seq}}
}
