// Package readmission measures how long a backend that is sound again waits for
// its first call: the time that circuit breakers cost after an outage.
//
//	recover invoke ── recover ok (healthy) ──✗──✗──✗──▶ first call answered ok
//	                       └──────── readmission ────────┘
//
// The clock starts when the recovery was seen to have worked and stops at the
// first call that the backend carries out, accepted or seen. One sample for each
// fault and each backend that it hit. A call that had arrived before the
// recovery began is none: a late backend carries it out whether or not anybody
// trusts it again.
//
// A backend that nobody asks for waits through no fault of a breaker's. So a
// sample proves no more than how long after its recovery the backend was still
// wanted in vain: a replica reported a call to it as refused, or called another
// backend while a load ran (or in a drill that has none). The rest may have been
// idle time, and a bound that lies in it is unknown. While another fault is in
// effect, nothing counts as wanted in vain: links or senders may be what is bad.
//
// Minimum evidence: a fault of a backend, proved to be in effect and recovered.
//
// What makes it fail: a breaker that stays open for longer than its reset, or
// for ever. What is not called until the end of the record, or until another
// fault hits it, leaves the sample open, known from below only.
package readmission

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "readmission".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "readmission",
		Summary: "a backend recovered → the first call that it carries out",
		Doc: "One sample for each proved fault and each backend that it hit. Calls that had arrived before the recovery do not " +
			"count. It fails for as long as the backend was seen to be wanted: a call to it was refused, or another one was called under load.",
		Unit:  gates.Duration,
		Needs: "a fault of a backend, proved to be in effect and recovered",
		New:   func(history.Header) gates.Meter { return &meter{last: map[string]uint64{}} },
	}
}

// reported is how late a replica may report a refusal.
const reported = 500 * time.Millisecond

type meter struct {
	faults gates.Faults
	last   map[string]uint64 // the number of the latest call, by backend
	waits  []*wait
	now    gates.Moment
	loads  int  // running
	loaded bool // there was a load
}

// wait is one backend after one fault.
type wait struct {
	fault   *gates.FaultLife
	backend string
	before  uint64       // calls up to this number arrived before the recovery began
	healed  gates.Moment // zero until then
	called  gates.Moment
	again   gates.Moment  // another fault hit it first
	since   time.Duration // when it was healed, or the last fault beside it was
	vainly  time.Duration // for how long it was wanted in vain, at the least
}

// Observe follows the recoveries and the calls.
func (m *meter) Observe(e *gates.Event) {
	m.now = gates.Moment{At: e.At, Seq: e.Seq}
	if c, ok := e.Call(); ok {
		m.call(e, c)
		return
	}
	if d, ok := e.Durations(); ok && d.What == history.TookRefused {
		m.wanted(e.At-reported, func(w *wait) bool { return w.backend == gates.BackendPrefix+d.Subject })
		return
	}
	if e.Op == history.OpLoad {
		m.load(e.Phase)
		return
	}
	life := m.faults.Observe(e.Event)
	if life == nil {
		return
	}
	m.disturb(life, e)
	switch {
	case len(life.Backends()) == 0:
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		m.hit(life)
	case e.Op == history.OpRecover && e.Phase == history.Invoke:
		m.recover(life)
	case e.Op == history.OpRecover && e.Phase == history.OK:
		m.heal(life)
	}
}

func (m *meter) load(phase history.Phase) {
	m.loaded = true
	if phase == history.Invoke {
		m.loads++
	} else {
		m.loads = max(0, m.loads-1)
	}
}

// disturb begins anew to count how long backends are wanted in vain, once a fault
// beside theirs is over.
func (m *meter) disturb(life *gates.FaultLife, e *gates.Event) {
	for _, w := range m.waits {
		if w.open() && w.fault != life && e.Op == history.OpRecover {
			w.since = e.At
		}
	}
}

// wanted takes note that backends were still wanted in vain at that time.
func (m *meter) wanted(at time.Duration, which func(*wait) bool) {
	for _, w := range m.waits {
		if w.open() && which(w) && !m.beside(w) {
			w.vainly = max(w.vainly, at-w.since)
		}
	}
}

// beside says whether another fault is in effect.
func (m *meter) beside(w *wait) bool {
	return slices.ContainsFunc(m.faults.Lives(), func(l *gates.FaultLife) bool {
		return l != w.fault && l.Begun.Happened() && !l.Healed.Happened()
	})
}

// hit ends the wait of backends that are hit again.
func (m *meter) hit(life *gates.FaultLife) {
	for _, backend := range life.Backends() {
		for _, w := range m.waits {
			if w.backend == backend && w.open() {
				w.again = m.now
			}
		}
	}
}

// recover begins to wait, anew where a recovery is repeated.
func (m *meter) recover(life *gates.FaultLife) {
	kept := m.waits[:0]
	for _, w := range m.waits {
		if w.fault != life {
			kept = append(kept, w)
		}
	}
	m.waits = kept
	for _, backend := range life.Backends() {
		m.waits = append(m.waits, &wait{fault: life, backend: backend, before: m.last[backend]})
	}
}

func (m *meter) heal(life *gates.FaultLife) {
	for _, w := range m.waits {
		if w.fault == life && !w.healed.Happened() {
			w.healed, w.since = m.now, m.now.At
		}
	}
}

func (m *meter) call(e *gates.Event, c *history.Effect) {
	if e.Phase == history.Invoke {
		m.last[e.Actor] = c.Call
		if m.loads > 0 || !m.loaded {
			m.wanted(e.At, func(w *wait) bool { return w.backend != e.Actor })
		}
	}
	if e.Phase != history.OK {
		return
	}
	for _, w := range m.waits {
		if w.backend == e.Actor && w.open() && c.Call > w.before {
			w.called = m.now
		}
	}
}

// open says whether a call is waited for.
func (w *wait) open() bool {
	return w.healed.Happened() && !w.called.Happened() && !w.again.Happened()
}

// Measure gives one sample for each backend that recovered.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, w := range m.waits {
		if w.healed.Happened() && w.fault.InEffect.Happened() {
			s := m.sample(w)
			found.Samples = append(found.Samples, s)
			if s.Open || s.Slack > 0 && found.WhyOpen == "" {
				found.WhyOpen = fmt.Sprintf("that %s was wanted in vain is shown for %s of it", w.name(), gates.FormatDuration(w.vainly))
			}
		}
	}
	if len(found.Samples) == 0 {
		found.Missing = m.faults.NoneBad()
		if found.Missing == "" {
			found.Missing = "no backend was seen to recover"
		}
	}
	return found
}

func (m *meter) sample(w *wait) gates.Sample {
	s := gates.Sample{Evidence: []uint64{w.healed.Seq}, Took: w.vainly, Open: true, Spans: gates.Window{From: w.healed.At, To: m.now.At}}
	what := fmt.Sprintf("%s recovered from %q", w.name(), w.fault.Detail.Fault)
	end := w.called
	switch {
	case w.called.Happened():
		s.Took, s.Open, s.Note = w.called.At-w.healed.At, false, what+", and was called again"
		s.Slack = s.Took - w.vainly
	case w.again.Happened():
		end, s.Note = w.again, what+", and was hit again before it was called"
	default:
		s.Note = what + ", and carried out no call until the end"
	}
	if end.Happened() {
		s.Spans.To = end.At
		s.Evidence = append(s.Evidence, end.Seq)
	}
	return s
}

func (w *wait) name() string { return strings.TrimPrefix(w.backend, gates.BackendPrefix) }
