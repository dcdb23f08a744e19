// Package recovery measures how long a system takes from the healing of a fault
// until it works as before.
//
//	recover ok ───────┬───────────────┬──────────────┬───── … ── 1 s ── …
//	    │         a leader acts   backlog is gone   steady second begins
//	    └──────────────────── recovery ──────────────┘
//
// The clock starts when a proved fault is seen to be healed. It stops when the
// last of three things has come:
//
//   - The backlog is gone: every submission that was acknowledged before the
//     heal has had its effect, accepted or seen.
//   - For a system with a leader: a fenced effect under the newest term of its
//     leadership arrived. The pause between a leader's effects is part of it.
//   - A steady second begins: of the operations that end within it at least
//     one, and 99 % of them, are acknowledged. The second from the heal on is
//     tried first, then the one before each operation that ends. Asked for only
//     while a load runs; where it ends within the second, what there was of it
//     is judged.
//
// A fault that begins, or a load that ends, before the three have come leaves
// the sample open: it is known from below. Where the drill went to its end, or
// was drained, and they did not come, it is never.
//
// Minimum evidence: a fault, proved and healed, after a submission was
// acknowledged.
//
// What makes it fail: a backlog, a leader or an error rate that takes longer
// than the bound, or for ever. A job that is given up has no effect: do not ask
// for recovery where jobs are poisoned on purpose.
package recovery

import (
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "recovery".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "recovery",
		Summary: "fault healed → backlog gone and steady again",
		Doc: "One sample for each proved fault: from its heal until all that was acknowledged before has its effect, " +
			"a leader acts under the newest term, and a second begins in which 99 % of operations are acknowledged.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "a fault, proved and healed, after an acknowledged submission",
		New: func(h history.Header) gates.Meter {
			return &meter{leader: h.Guarantees.Leader, terms: map[string]uint64{}}
		},
	}
}

type meter struct {
	leader  bool
	faults  gates.Faults
	rest    gates.Rest
	terms   map[string]uint64 // the highest, by leadership
	owed    owed
	loads   int // that run
	window  window
	heals   []*heal
	waiting []*heal // those that are not recovered from
	last    gates.Moment
	ended   bool // by the end of the script
}

// Observe follows the three conditions for each heal.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	m.rest.ObserveRest(e)
	for _, h := range m.waiting {
		m.tryFirst(h)
	}
	switch e.Op {
	case history.OpEffect:
		m.effect(e)
	case history.OpSubmit:
		m.submission(e)
	case history.OpLoad:
		m.load(e.Phase)
	case history.OpEnd:
		m.ended = e.Phase == history.OK
	default:
		if fault := m.faults.Observe(e.Event); fault != nil {
			m.fault(fault, e.Event)
		}
	}
	m.release()
}

func (m *meter) effect(e *gates.Event) {
	effect, ok := e.Effect()
	if !ok || effect.Outcome == history.Stale || e.Err != "" {
		return
	}
	if effect.Kind == history.KindFenced && effect.Term >= m.terms[effect.Leadership] {
		m.terms[effect.Leadership] = effect.Term
		for _, h := range m.waiting {
			h.led.set(m.last)
		}
	}
	subject, _ := e.Subject()
	if since, paid := m.owed.pay(subject); paid {
		for _, h := range m.waiting {
			h.paid(since, m.last)
		}
	}
}

func (m *meter) submission(e *gates.Event) {
	if e.Phase == history.Invoke {
		return
	}
	if submit, ok := e.Submit(); ok && e.Phase == history.OK && !history.Poisoned(submit.Subject) {
		subject, _ := e.Subject()
		m.owed.add(subject)
	}
	if len(m.waiting) == 0 {
		return
	}
	m.window.add(e.At, e.Phase == history.OK)
	m.window.after(e.At - second)
	for _, h := range m.waiting {
		if h.tried && m.window.steady() {
			h.steady.set(gates.Moment{At: e.At - second, Seq: e.Seq})
		}
	}
}

// tryFirst judges the second from the heal on once it is over.
func (m *meter) tryFirst(h *heal) {
	if h.tried || m.last.At <= h.healed.At+second {
		return
	}
	h.tried = true
	m.window.after(h.healed.At)
	if m.window.steady() {
		h.steady.set(gates.Moment{At: h.healed.At, Seq: m.last.Seq})
	}
}

func (m *meter) load(phase history.Phase) {
	if phase == history.Invoke {
		m.loads++
		return
	}
	m.loads = max(0, m.loads-1)
	if m.loads > 0 {
		return
	}
	for _, h := range m.waiting {
		if h.steady.is.Happened() {
			continue
		}
		from := max(h.healed.At, m.last.At-second)
		m.window.after(from)
		if m.window.steady() || m.window.empty() && !h.tried {
			h.steady.set(gates.Moment{At: from, Seq: m.last.Seq})
		} else {
			h.cut(m.last, "the load ended before a steady second")
		}
	}
}

func (m *meter) fault(fault *gates.FaultLife, e *history.Event) {
	switch {
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		for _, h := range m.waiting {
			h.cut(m.last, "another fault began before the system had recovered")
		}
	case e.Op == history.OpRecover && e.Phase == history.OK && m.rest.Acknowledged() > 0:
		m.heal(fault)
	}
}

func (m *meter) heal(fault *gates.FaultLife) {
	h := &heal{fault: fault, healed: m.last, owed: m.owed.outstanding, generation: m.owed.generation}
	m.owed.turn()
	if h.owed == 0 {
		h.backlog.set(m.last)
	}
	if !m.leader {
		h.led.set(m.last)
	}
	if m.loads == 0 {
		h.steady.set(m.last)
	}
	m.heals, m.waiting = append(m.heals, h), append(m.waiting, h)
}

// release lets go of the heals of which all is known.
func (m *meter) release() {
	if len(m.waiting) == 0 {
		return
	}
	kept := m.waiting[:0]
	for _, h := range m.waiting {
		if !h.recovered() && h.why == "" {
			kept = append(kept, h)
		}
	}
	if m.waiting = kept; len(kept) == 0 {
		m.window = window{}
	}
}
