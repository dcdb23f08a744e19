// Package latency measures how long clients waited for their operations, apart
// in calm and while something was broken.
//
// The clock starts when the schedule wanted the operation sent, not when it
// was: a client that had to wait for the one before it waited all the same. It
// stops at the acknowledgement, whichever attempt brought it. An operation that
// the client gave up (info) was never served: its time is known from below
// only. One that was refused (fail) waited for nothing and is left to package
// availability, as are those still under way when the record ends.
//
//	           inject invoke      recover ok
//	──── calm ────┤ ─ ─ ─ fault ─ ─ ─ ├─ 1 s ─┤──── calm ────
//	                └─ op ─┘                └─ op ─┘
//
// An operation belongs to the fault window if at any time of it a fault was
// begun and not seen to have recovered, or had recovered within the second
// before; else it is calm. Proof is not asked for: what may have been broken is
// not calm.
//
// Minimum evidence: 20 operations of the kind, of which one is a twentieth; a
// p99 needs 299, as everywhere. In the fault window, something must have been asked
// while each fault was in effect that is not mild, or a pass proves nothing.
//
// By as much as the harness stood still in an operation, or the system had to
// recover from that, it may have been shorter in truth.
//
// What makes it fail: clients that wait longer than the bound.
package latency

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

const (
	// leastOperations is how many operations there must be.
	leastOperations = 20
	// aftermath is how long after a recovery its fault still counts.
	aftermath = time.Second
)

const doc = "One sample for each operation that was acknowledged or given up, from the time it was meant to be sent. " +
	"Given up counts as longer than it took."

// Calm is "latency_calm".
func Calm() gates.Metric {
	return gates.Metric{
		Name:     "latency_calm",
		Summary:  "time of client operations, from their intended start, while nothing was broken",
		Doc:      doc + " Those that no fault touched.",
		Unit:     gates.Duration,
		Least:    leastOperations,
		Requires: []string{"jobs"},
		Needs:    "20 operations while nothing was broken",
		New: func(h history.Header) gates.Meter {
			return &meter{when: "while nothing was broken", times: gates.NewClocked(h)}
		},
	}
}

// Fault is "latency_fault".
func Fault() gates.Metric {
	return gates.Metric{
		Name:     "latency_fault",
		Summary:  "time of client operations, from their intended start, while something was broken and 1 s after",
		Doc:      doc + " Those during which a fault was begun and not recovered, or had been within the last second.",
		Unit:     gates.Duration,
		Least:    leastOperations,
		Requires: []string{"jobs"},
		Needs:    "a fault, and 20 operations while it lasted",
		New: func(h history.Header) gates.Meter {
			return &meter{broken: true, when: "while something was broken", times: gates.NewClocked(h)}
		},
	}
}

type meter struct {
	broken bool // measures operations in the fault window
	when   string
	faults gates.Faults
	window window
	stake  gates.Stake
	times  gates.Clocked
	gaveUp int
	found  gates.Measurement // tells the longest
}

// window is where faults reach, as far as is known by now.
type window struct {
	open    bool          // one is not recovered
	closed  bool          // some were recovered
	through time.Duration // of those, the aftermath included
}

// holds says whether an operation that began then and ends now was touched.
func (w window) holds(began time.Duration) bool {
	return w.open || w.closed && began <= w.through
}

func windowOf(lives []*gates.FaultLife) window {
	var w window
	for _, life := range lives {
		switch {
		case life.Healed.Happened():
			w.closed, w.through = true, max(w.through, life.Healed.At+aftermath)
		case life.Begun.Happened():
			w.open = true
		}
	}
	return w
}

// Observe takes the time of each operation that ends.
func (m *meter) Observe(e *gates.Event) {
	m.times.Observe(e.Event)
	if m.broken {
		m.stake.Observe(e)
	}
	if m.faults.Observe(e.Event) != nil {
		m.window = windowOf(m.faults.Lives())
		return
	}
	if e.Op != history.OpSubmit || e.Phase == history.Invoke || e.Phase == history.Fail {
		return
	}
	submit, ok := e.Submit()
	if !ok || m.window.holds(submit.Intended) != m.broken {
		return
	}
	took, gaveUp := max(0, e.At-submit.Intended), e.Phase != history.OK
	if gaveUp {
		m.gaveUp++
	}
	if m.times.Add(gates.Window{From: e.At - took, To: e.At}, took, gaveUp) {
		end := "acknowledged"
		if gaveUp {
			end = "given up"
		}
		m.found.Evidence = []uint64{e.Seq}
		m.found.Note = fmt.Sprintf("the longest: %q was %s after %s", submit.Subject, end, gates.FormatDuration(took))
	}
}

// Measure is the times of all operations of the kind. The note and the evidence
// are those of the longest.
func (m *meter) Measure() gates.Measurement {
	n := m.times.Len()
	switch {
	case m.broken && len(m.faults.Lives()) == 0:
		return gates.Measurement{Missing: "no fault was injected"}
	case n < leastOperations:
		return gates.Measurement{N: n, Missing: fmt.Sprintf("%d operations ended %s, and %d are the least", n, m.when, leastOperations)}
	}
	found := m.found
	found.N, found.Vain = n, m.stake.Unasked()
	found.Times, found.Best = m.times.Times()
	found.WhyBest = m.times.WhyBest()
	found.WhyOpen = fmt.Sprintf("%d of %d operations were given up: what they would have taken is known from below only", m.gaveUp, n)
	return found
}
