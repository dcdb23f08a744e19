// Package takeover measures how long a job that was in a victim's hands takes
// to be done by a survivor: the recovery of work in flight, which is another
// number than the failover of a leader.
//
//	submit ── inject invoke ─────────────────▶ effect, attempt 2
//	               └──────── takeover ─────────────┘  of a replica that was not hit
//
// The clock starts when the injection begins and stops at the first effect,
// accepted or seen, of a job at its second or a later attempt from a replica
// that is not a victim of the fault. Seen counts, because the victim may have
// had its effect and died before it could record it. The fault is the latest
// one begun with a replica among its victims (a name that sent effects or
// answered clients before); jobs that were submitted after its begin were not
// in anybody's hands then and are left out. One sample a job: its first.
//
// A second attempt that has another cause, such as a store that was away for a
// moment, cannot be told from a takeover. A job that is never done is no sample
// here: packages lost and stuck have it.
//
// Minimum evidence: one such effect after a fault that was proved, and a
// completed drain. Without such an effect nothing was in the victim's hands,
// and nothing was shown.
//
// What makes it fail: a job that waits for its survivor longer than the bound.
package takeover

import (
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "takeover".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "takeover",
		Summary: "injection begun → effect of a job's later attempt from a replica that was not hit",
		Doc: "One sample for each job that was submitted before a proved fault hit replicas, and whose effect came " +
			"from another replica at attempt 2 or later.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "a fault, proved to be in effect, that hit a replica with a job in hand, and a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{replicas: map[string]bool{}} },
	}
}

// firstAgain is the attempt from which on a job has changed hands.
const firstAgain = 2

type meter struct {
	faults   gates.Faults
	rest     gates.Rest
	replicas map[string]bool // that were heard of
	known    gates.Subject   // those below it have been submitted
	hits     []*hit
	counted  gates.Column[bool]
}

// hit is a fault that hit replicas.
type hit struct {
	fault *gates.FaultLife
	begun gates.Moment
	known gates.Subject // those below it were submitted before
	times gates.TimesBuilder
	note  string // of the longest
	seq   uint64
}

// Observe follows who replies and what is submitted, and takes the time of each
// effect of a later attempt.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if submit, ok := e.Submit(); ok {
		subject, _ := e.Subject()
		m.known = max(m.known, subject+1)
		m.meet(submit.Replica)
		return
	}
	if effect, ok := e.Effect(); ok {
		m.meet(effect.Replica)
		m.effect(e, effect)
		return
	}
	if fault := m.faults.Observe(e.Event); fault != nil && e.Op == history.OpInject && e.Phase == history.Invoke {
		m.strike(fault)
	}
}

func (m *meter) meet(replica string) {
	if replica != "" && !m.replicas[replica] {
		m.replicas[replica] = true
	}
}

func (m *meter) strike(fault *gates.FaultLife) {
	if slices.ContainsFunc(fault.Detail.Victims, func(name string) bool { return m.replicas[name] }) {
		m.hits = append(m.hits, &hit{fault: fault, begun: fault.Begun, known: m.known})
	}
}

func (m *meter) effect(e *gates.Event, effect *history.Effect) {
	if effect.Attempt < firstAgain || effect.Outcome == history.Stale || e.Err != "" || len(m.hits) == 0 {
		return
	}
	h := m.hits[len(m.hits)-1]
	subject, _ := e.Subject()
	if subject >= h.known || slices.Contains(h.fault.Detail.Victims, effect.Replica) || *m.counted.At(subject) {
		return
	}
	*m.counted.At(subject) = true
	if h.times.Add(e.At-h.begun.At, false) {
		h.seq = e.Seq
		h.note = fmt.Sprintf("the longest: %q at attempt %d from %s, after %q hit %s",
			effect.Subject, effect.Attempt, effect.Replica, h.fault.Detail.Fault, h.fault.Detail.Victims[0])
	}
}

// Measure is the times of all jobs that proved faults made move.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	var all []gates.Times
	var longest *hit
	proved := false
	for _, h := range m.hits {
		if !h.fault.InEffect.Happened() {
			continue
		}
		proved = true
		all = append(all, h.times.Times())
		if h.times.Len() > 0 && (longest == nil || h.times.Longest() > longest.times.Longest()) {
			longest = h
		}
	}
	switch {
	case len(m.faults.Lives()) == 0:
		found.Missing = "no fault was injected"
	case !proved:
		found.Missing = "no fault was proved to have hit a replica"
	case longest == nil:
		found.Missing = "no job was done at a later attempt by a replica that was not hit: nothing was in the victim's hands"
	default:
		found.Missing = m.rest.NotDrained()
		found.Times, found.Note = gates.Pool(all...), longest.note
		found.N, found.Evidence = found.Times.Len(), []uint64{longest.begun.Seq, longest.seq}
	}
	return found
}
