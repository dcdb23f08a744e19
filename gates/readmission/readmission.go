// Package readmission measures how long a backend that is sound again waits for
// its first call: the time that circuit breakers cost after an outage.
//
//	recover invoke ── recover ok (healthy) ────────▶ first call answered ok
//	                       └──────── readmission ────────┘
//
// The clock starts when the recovery was seen to have worked and stops at the
// first call that the backend carries out, accepted or seen. One sample for each
// fault and each backend that it hit. A call that had arrived before the
// recovery began is none: a late backend carries it out whether or not anybody
// trusts it again.
//
// Minimum evidence: a fault of a backend, proved to be in effect and recovered.
//
// What makes it fail: a breaker that stays open for longer than its reset, or
// for ever. "Never" is said when the drill ran to its end or was drained after
// the recovery; a record that breaks off earlier, and another fault of the same
// backend before it was called again, leave the sample open, known from below
// only.
package readmission

import (
	"fmt"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "readmission".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "readmission",
		Summary: "a backend recovered → the first call that it carries out",
		Doc: "One sample for each proved fault and each backend that it hit. Infinite where no call was carried out " +
			"until the end. Calls that had arrived before the recovery do not count.",
		Unit:  gates.Duration,
		Needs: "a fault of a backend, proved to be in effect and recovered",
		New:   func(history.Header) gates.Meter { return &meter{last: map[string]uint64{}} },
	}
}

type meter struct {
	faults gates.Faults
	rest   gates.Rest
	last   map[string]uint64 // the number of the latest call, by backend
	waits  []*wait
	now    gates.Moment
	ended  bool // by the end of the script
}

// wait is one backend after one fault.
type wait struct {
	fault   *gates.FaultLife
	backend string
	before  uint64       // calls up to this number arrived before the recovery began
	healed  gates.Moment // zero until then
	called  gates.Moment
	again   gates.Moment // another fault hit it first
}

// Observe follows the recoveries and the calls.
func (m *meter) Observe(e *gates.Event) {
	m.now = gates.Moment{At: e.At, Seq: e.Seq}
	m.rest.ObserveRest(e)
	if c, ok := e.Call(); ok {
		m.call(e, c)
		return
	}
	if e.Op == history.OpEnd {
		m.ended = e.Phase == history.OK
	}
	life := m.faults.Observe(e.Event)
	switch {
	case life == nil || len(life.Backends()) == 0:
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		m.hit(life)
	case e.Op == history.OpRecover && e.Phase == history.Invoke:
		m.recover(life)
	case e.Op == history.OpRecover && e.Phase == history.OK:
		m.heal(life)
	}
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
			w.healed = m.now
		}
	}
}

func (m *meter) call(e *gates.Event, c *history.Effect) {
	if e.Phase == history.Invoke {
		m.last[e.Actor] = c.Call
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
			found.Samples = append(found.Samples, m.sample(w))
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
	s := gates.Sample{Evidence: []uint64{w.healed.Seq}}
	what := fmt.Sprintf("%s recovered from %q", strings.TrimPrefix(w.backend, gates.BackendPrefix), w.fault.Detail.Fault)
	switch {
	case w.called.Happened():
		s.Took, s.Note = w.called.At-w.healed.At, what+", and was called again"
		s.Evidence = append(s.Evidence, w.called.Seq)
	case w.again.Happened():
		s.Took, s.Open, s.Note = w.again.At-w.healed.At, true, what+", and was hit again before it was called"
		s.Evidence = append(s.Evidence, w.again.Seq)
	case m.ended || m.rest.Drained():
		s.Took, s.Waited = gates.Never, m.now.At-w.healed.At
		s.Note = what + ", and carried out no call until the end"
	default:
		s.Took, s.Open, s.Note = m.now.At-w.healed.At, true, what+", and carried out no call before the record ends"
	}
	return s
}
