// Package isolation measures how fast calls are to the backends that nothing is
// wrong with, while another one is bad: whether a hanging backend takes the
// callers of the others with it.
//
//	compute   ─────── fault in effect ═══════════ recovery ───
//	dns       ─c──c──┤c──c──c──c──c──c──c──c──c──├c──c────────
//	                 └────── isolation ──────────┘
//
// The replicas measure and report these durations, because what a call waits for
// before it is sent, a slot or a lock, is seen by nobody else. What counts is
// what they report while any backend is bad, of backends that no fault of the
// drill was ever injected into; and what they report later of calls that had begun
// by then, since whoever is kept waiting by the bad backend may be let go with it. A
// report tells of calls that have ended, so the first one may tell of some before
// the fault: reports should be frequent beside the fault. A call of a replica that
// another fault had hit meanwhile is left out.
//
// Minimum evidence: a fault of a backend that was proved to be in effect, and 20
// calls to others that were reported. And the witness's own: that such calls
// arrived all the time. Where none did for more than a third of the fault, or for
// nearly all of it none of a replica that had sent many before, nobody knows whether none was wanted or all
// were kept back, and a pass proves nothing.
//
// What makes it fail: slots, connections or locks that backends share. What a
// stall of the harness may have added to a call is left open.
package isolation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// enough calls to sound backends must be reported.
const enough = 20

// Metric is "isolation".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "isolation",
		Summary: "time of calls to sound backends while another one is bad",
		Doc: "One sample for each call that a replica reported between the proof of a backend's fault and the beginning of " +
			"its recovery, or that had begun by then, to a backend that no fault of the drill hit. On the replica's own clock.",
		Unit: gates.Duration,
		Needs: fmt.Sprintf("a fault of a backend, proved to be in effect, and %d reported calls to others that were never hit, which "+
			"arrived all through it", enough),
		New: func(h history.Header) gates.Meter { return &meter{header: h, calls: map[string]*calls{}} },
	}
}

type meter struct {
	header history.Header
	faults gates.Faults
	calls  map[string]*calls // by backend; it may still be hit
	bad    bool              // a backend has been
}

// calls are those to one backend while another one was bad.
type calls struct {
	times    gates.Clocked
	seq      uint64 // of the longest
	note     string
	arrivals map[string][]time.Duration // by replica
	calm     map[string]calm            // the same before any backend was bad
}

// Observe collects calls while a backend is bad.
func (m *meter) Observe(e *gates.Event) {
	m.faults.Observe(e.Event)
	for _, c := range m.calls {
		c.times.Observe(e.Event)
	}
	if call, ok := e.Call(); ok && e.Phase == history.Invoke {
		m.arrive(e, call.Replica)
	}
	if d, ok := e.Durations(); ok && d.What == history.TookCall {
		m.report(e, d)
	}
}

func (m *meter) of(backend string) *calls {
	c := m.calls[backend]
	if c == nil {
		c = &calls{times: gates.NewClocked(m.header), arrivals: map[string][]time.Duration{}, calm: map[string]calm{}}
		m.calls[backend] = c
	}
	return c
}

// arrive takes note of a call that arrived.
func (m *meter) arrive(e *gates.Event, replica string) {
	bad := m.faults.AnyBad()
	m.bad = m.bad || bad
	switch c := m.of(e.Actor); {
	case bad:
		c.arrivals[replica] = append(c.arrivals[replica], e.At)
	case !m.bad:
		c.calm[replica] = c.calm[replica].add(e.At)
	}
}

func (m *meter) report(e *gates.Event, d *history.Durations) {
	for _, took := range d.Took {
		began := e.At - took
		if !m.faults.AnyBadSince(began) || m.excused(d.Replica, began) {
			continue
		}
		c := m.of(gates.BackendPrefix + d.Subject)
		if c.times.Add(gates.Window{From: began, To: e.At}, took, false) {
			c.seq, c.note = e.Seq, fmt.Sprintf("the longest: a call of %s to %s", d.Replica, d.Subject)
		}
	}
}

// excused says whether another fault has hit the replica since then.
func (m *meter) excused(replica string, since time.Duration) bool {
	return slices.ContainsFunc(m.faults.Lives(), func(l *gates.FaultLife) bool {
		over := l.Healed.Happened() && l.Healed.At < since
		return l.Begun.Happened() && !over && slices.Contains(l.Detail.Victims, replica)
	})
}

// Measure is the calls to all backends that were left alone.
func (m *meter) Measure() gates.Measurement {
	if missing := m.faults.NoneBad(); missing != "" {
		return gates.Measurement{Missing: missing}
	}
	var found gates.Measurement
	var all, best []gates.Times
	var longest *calls
	for _, c := range m.sound() {
		times, without := c.times.Times()
		if without.Len() == 0 {
			without = times
		} else {
			found.WhyBest = c.times.WhyBest()
		}
		all, best = append(all, times), append(best, without)
		if longest == nil || c.times.Longest() > longest.times.Longest() {
			longest = c
		}
	}
	found.Times = gates.Pool(all...)
	if found.WhyBest != "" {
		found.Best = gates.Pool(best...)
	}
	found.N = found.Times.Len()
	switch {
	case found.N == 0:
		found.Missing = "no call to a backend that was never hit was reported while another one was bad"
		return found
	case found.N < enough:
		found.Vain = fmt.Sprintf("%d calls to backends that were well were reported, and %d are the least", found.N, enough)
	default:
		found.Vain = m.silence()
	}
	found.Note, found.Evidence = longest.note, []uint64{longest.seq}
	return found
}

// sound are the backends that were left alone.
func (m *meter) sound() []*calls {
	hit := map[string]bool{}
	for _, life := range m.faults.Lives() {
		for _, backend := range life.Backends() {
			hit[backend] = true
		}
	}
	var all []*calls
	for _, backend := range slices.Sorted(maps.Keys(m.calls)) {
		if !hit[backend] {
			all = append(all, m.calls[backend])
		}
	}
	return all
}
