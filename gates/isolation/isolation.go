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
// drill was ever injected into. A report tells of calls that have ended, so the
// first one may tell of some before the fault, and the last ones before the
// recovery may come too late: reports should be frequent beside the fault.
//
// Minimum evidence: a fault of a backend that was proved to be in effect, and a
// call to another backend that was reported meanwhile.
//
// What makes it fail: slots, connections or locks that backends share.
package isolation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "isolation".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "isolation",
		Summary: "time of calls to sound backends while another one is bad",
		Doc: "One sample for each call that a replica reported between the proof of a backend's fault and the beginning of " +
			"its recovery, to a backend that no fault of the drill hit. On the replica's own clock.",
		Unit:  gates.Duration,
		Needs: "a fault of a backend, proved to be in effect, and a reported call to one that was never hit",
		New:   func(history.Header) gates.Meter { return &meter{calls: map[string]*calls{}} },
	}
}

type meter struct {
	faults gates.Faults
	calls  map[string]*calls // by backend; it may still be hit
}

// calls are those to one backend while another one was bad.
type calls struct {
	times gates.TimesBuilder
	seq   uint64 // of the longest
	note  string
}

// Observe collects calls while a backend is bad.
func (m *meter) Observe(e *gates.Event) {
	m.faults.Observe(e.Event)
	d, ok := e.Durations()
	if !ok || d.What != history.TookCall || !m.faults.AnyBad() {
		return
	}
	backend := gates.BackendPrefix + d.Subject
	c := m.calls[backend]
	if c == nil {
		c = &calls{}
		m.calls[backend] = c
	}
	for _, took := range d.Took {
		if c.times.Add(took, false) {
			c.seq, c.note = e.Seq, fmt.Sprintf("the longest: a call of %s to %s", d.Replica, d.Subject)
		}
	}
}

// Measure is the calls to all backends that were left alone.
func (m *meter) Measure() gates.Measurement {
	if missing := m.faults.NoneBad(); missing != "" {
		return gates.Measurement{Missing: missing}
	}
	hit := map[string]bool{}
	for _, life := range m.faults.Lives() {
		for _, backend := range life.Backends() {
			hit[backend] = true
		}
	}
	var all []gates.Times
	var longest *calls
	for _, backend := range slices.Sorted(maps.Keys(m.calls)) {
		c := m.calls[backend]
		if hit[backend] {
			continue
		}
		all = append(all, c.times.Times())
		if longest == nil || c.times.Longest() > longest.times.Longest() {
			longest = c
		}
	}
	if longest == nil {
		return gates.Measurement{Missing: "no call to a backend that was never hit was reported while another one was bad"}
	}
	times := gates.Pool(all...)
	return gates.Measurement{Times: times, N: times.Len(), Note: longest.note, Evidence: []uint64{longest.seq}}
}
