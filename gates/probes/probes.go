// Package probes counts how many calls a half-open circuit breaker lets through
// at once to a backend that is still bad.
//
//	backend   in effect ═══════════════════════════════════════════ recovery
//	replica   c c c c ▶ open c ······ p ▶ half-open ······ ▶ open ····
//	                    │    └ passed before      │
//	                    └───── leftovers ┴ probes ┴─ probes ──┘
//
// What a replica sends to a bad backend while its breaker for it is half-open are
// probes, and must come one by one. That it is half-open is the replica's own
// report, which a probe may overtake; and a call that had passed the breaker in
// time, and waited for a slot, may be sent after it has opened. So a call that
// arrives between the reports of open and half-open belongs to the nearer one.
// Reports count from the begin of the fault's injection on, probes from its proof
// to the begin of its recovery. A replica that has ended begins with a new
// breaker, and its earlier reports are forgotten.
//
// In flight is what the sender still waits for: from the arrival at the backend
// to the end of the call, or until its sender hung up. See [gates.Flights].
//
// The drill must make the backend bad in a way that holds calls for a while
// ("hang", or "slow" beyond the caller's timeout): refused calls are over too
// soon to be in flight together. And it must be bad for all calls: a breaker
// that rightly closes in between is told late, and what overtakes that report
// is taken for probes.
//
// Minimum evidence: a fault of a backend that was proved to be in effect, a
// breaker for that backend reported open and half-open meanwhile, and a probe.
//
// What makes it fail: "probes == 1" by a half-open breaker that lets everybody
// through.
package probes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "probes".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "probes",
		Summary: "most calls of a replica at once at a bad backend while its breaker is half-open",
		Doc: "Counts the calls of one replica in flight at once at one backend whose fault is in effect, among those that " +
			"arrived while the replica's breaker for it was half-open, as it reports. One at a time is let through.",
		Unit:  gates.Level,
		Least: 1,
		Needs: "a fault of a backend, proved to be in effect, a breaker reported open and half-open meanwhile, and a call",
		New:   func(history.Header) gates.Meter { return &meter{breakers: map[breaker]*watch{}} },
	}
}

// subjectPrefix begins the subject of a breaker's change of state:
// "breaker/compute/open".
const subjectPrefix = "breaker/"

// breaker is that of a replica for a backend.
type breaker struct{ replica, backend string }

type meter struct {
	faults   gates.Faults
	breakers map[breaker]*watch
	opened   int // reports that count
	ended    bool
}

// watch is what is known of a breaker.
type watch struct {
	state   state
	opened  gates.Moment // when it was reported open, the last time
	early   []step       // of calls that arrived since then
	flights gates.Flights
}

// state is that of a breaker, as reported since the latest fault of its backend
// began.
type state string

const (
	open     state = "open"
	halfOpen state = "half-open"
	closed   state = "closed" // or nothing was reported
)

// step is an event of a call.
type step struct {
	phase history.Phase
	call  uint64
	at    gates.Moment
}

// Observe follows the breakers and what passes them.
func (m *meter) Observe(e *gates.Event) {
	if c, ok := e.Call(); ok {
		m.call(e, c)
		return
	}
	if effect, ok := e.Effect(); ok {
		m.report(e, effect)
		return
	}
	switch life := m.faults.Observe(e.Event); {
	case e.Op == history.OpEnd:
		m.ended = e.Phase == history.OK
	case e.Op == history.OpExit:
		m.forget(func(b breaker) bool { return b.replica == e.Actor })
	case life != nil && e.Op == history.OpInject && e.Phase == history.Invoke:
		hit := life.Backends()
		m.forget(func(b breaker) bool { return slices.Contains(hit, b.backend) })
	}
}

func (m *meter) forget(which func(breaker) bool) {
	for b, w := range m.breakers {
		if which(b) {
			w.state, w.early = closed, nil
		}
	}
}

// report takes note of a breaker's new state.
func (m *meter) report(e *gates.Event, effect *history.Effect) {
	change, isChange := strings.CutPrefix(effect.Subject, subjectPrefix)
	if !isChange || effect.Kind != history.KindRecord || effect.Outcome != history.Accepted {
		return
	}
	name, now, _ := strings.Cut(change, "/")
	b := breaker{replica: effect.Replica, backend: gates.BackendPrefix + name}
	if !m.hit(b.backend) {
		return
	}
	w := m.breakers[b]
	if w == nil {
		w = &watch{}
		m.breakers[b] = w
	}
	at := gates.Moment{At: e.At, Seq: e.Seq}
	switch {
	case state(now) == open:
		m.opened++
		w.state, w.opened, w.early = open, at, nil
	case state(now) == halfOpen && w.state == open:
		w.admit(at)
	case state(now) == closed:
		w.state, w.early = closed, nil
	}
}

// admit begins a time of probes, with those that overtook the report.
func (w *watch) admit(now gates.Moment) {
	for _, s := range w.early {
		if s.phase != history.Invoke || now.At-s.at.At <= s.at.At-w.opened.At {
			w.flights.Observe(s.phase, s.call, s.at)
		}
	}
	w.state, w.early = halfOpen, nil
}

// hit says whether a fault of the backend has begun and is not being recovered.
func (m *meter) hit(backend string) bool {
	return slices.ContainsFunc(m.faults.Lives(), func(l *gates.FaultLife) bool {
		return l.Begun.Happened() && !l.Recover.Happened() && slices.Contains(l.Backends(), backend)
	})
}

func (m *meter) call(e *gates.Event, c *history.Effect) {
	w := m.breakers[breaker{replica: c.Replica, backend: e.Actor}]
	if w == nil {
		return
	}
	s := step{phase: e.Phase, call: c.Call, at: gates.Moment{At: e.At, Seq: e.Seq}}
	switch arrives := e.Phase == history.Invoke; {
	case arrives && !m.faults.Bad(e.Actor):
	case arrives && w.state == halfOpen:
		w.flights.Observe(s.phase, s.call, s.at)
	case arrives && w.state == open:
		w.early = append(w.early, s)
	case !arrives:
		w.flights.Observe(s.phase, s.call, s.at)
		if len(w.early) > 0 { // it may be the end of one of those
			w.early = append(w.early, s)
		}
	}
}

// Measure is the most at any breaker.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for b, w := range m.breakers {
		n, seq := w.flights.Most(m.ended)
		found.N += w.flights.Arrived()
		if most := int(found.Value); n > most || n > 0 && n == most && seq < found.Evidence[0] {
			found.Value, found.Evidence = float64(n), []uint64{seq}
			found.Note = fmt.Sprintf("%d of %s were at %s at once", n, b.replica, strings.TrimPrefix(b.backend, gates.BackendPrefix))
		}
	}
	found.AtLeast = found.Value > 0
	switch none := m.faults.NoneBad(); {
	case none != "":
		found.Missing = none
	case m.opened == 0:
		found.Missing = "no breaker was reported open while its backend was bad"
	case found.N == 0:
		found.Missing = "no call arrived at a bad backend while a breaker for it was reported half-open"
	case !m.ended:
		found.Missing = "the record ends before the drill does"
	}
	return found
}
