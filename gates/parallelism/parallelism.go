// Package parallelism counts how many calls one replica has in flight at one
// backend at once: what a bulkhead bounds. There is a metric for each backend
// that has one.
//
// All calls count, whatever they are for. In flight is what the sender still
// waits for: from the arrival of the call at the backend to its end, or until
// its sender hung up. A slow backend goes on with a call that its sender has
// given up, and so does not hold a slot of the sender's bulkhead any more. The
// witness notices a hanging up a little late; [gates.Flights] forgives it a tenth
// of a second. While a link keeps the news of it back, calls seem to be in
// flight that are not: a drill of this gate leaves the links alone.
//
// Minimum evidence: a call at that backend, and the end of the drill. That a
// bulkhead was full is not shown by a small count: ask for both bounds
// ("parallelism_compute <= 20", "parallelism_compute >= 20") under enough load.
//
// What makes it fail: more calls at once than the bulkhead has slots, by a
// bulkhead that is missing or lets too many in; fewer than asked for, by one
// whose slots have leaked.
package parallelism

import (
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Compute is "parallelism_compute".
func Compute() gates.Metric { return metric("compute") }

// Network is "parallelism_network".
func Network() gates.Metric { return metric("network") }

// Storage is "parallelism_storage".
func Storage() gates.Metric { return metric("storage") }

func metric(backend string) gates.Metric {
	return gates.Metric{
		Name:    "parallelism_" + backend,
		Summary: "most calls of a replica at once at the backend " + backend,
		Doc:     "A call is in flight from its arrival to its end, or until its sender hung up. All calls count.",
		Unit:    gates.Level,
		Least:   1,
		Needs:   "a call at the backend, and the end of the drill",
		New: func(history.Header) gates.Meter {
			return &meter{backend: backend, flights: map[string]*gates.Flights{}}
		},
	}
}

type meter struct {
	backend string
	flights map[string]*gates.Flights // by replica
	ended   bool
}

// Observe follows the calls at the backend.
func (m *meter) Observe(e *gates.Event) {
	if e.Op == history.OpEnd {
		m.ended = e.Phase == history.OK
	}
	c, ok := e.Call()
	if !ok || e.Actor != gates.BackendPrefix+m.backend {
		return
	}
	f := m.flights[c.Replica]
	if f == nil {
		f = &gates.Flights{}
		m.flights[c.Replica] = f
	}
	f.Observe(e.Phase, c.Call, gates.Moment{At: e.At, Seq: e.Seq})
}

// Measure is the most of any replica.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, replica := range slices.Sorted(maps.Keys(m.flights)) {
		f := m.flights[replica]
		found.N += f.Arrived()
		if n, seq := f.Most(m.ended); n > int(found.Value) {
			found.Value, found.Evidence = float64(n), []uint64{seq}
			found.Note = fmt.Sprintf("%d of %s were at %s at once", n, replica, m.backend)
		}
	}
	found.AtLeast = found.Value > 0
	switch {
	case found.N == 0:
		found.Missing = "no call arrived at " + m.backend
	case !m.ended:
		found.Missing = "the record ends before the drill does"
	}
	return found
}
