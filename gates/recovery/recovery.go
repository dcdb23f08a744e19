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
//   - For a system with a leader: every leadership acts again, under its newest
//     term, and stays. Each that acted regularly before the fault must act after
//     the heal, and go on until the next fault, or the end of load and drain: an
//     old leader that lingers for some seconds and falls silent for longer than the
//     system's settle time is no recovery. One that only says that it is there
//     must have said so again if its leader was hit. The pause between a leader's
//     acts is part of the time.
//   - A steady second begins: of the operations that were meant to be sent in it,
//     half of what the loads ask for at least, 99 % are acknowledged, be it later.
//     Asked for only while a load runs; where it ends within the second, what there
//     was of it is judged.
//
// A fault that begins, or a load that ends, before the three have come leaves
// the sample open: it is known from below. So does another fault that is still in
// effect at the heal: the system cannot recover before that is healed, too. Where
// the drill went to its end, or was drained, and they did not come, it is never.
//
// Minimum evidence: a fault, proved and healed, after a submission was
// acknowledged.
//
// What makes it fail: a backlog, a leader or an error rate that takes longer
// than the bound, or for ever. A job that is given up has no effect: do not ask
// for recovery where jobs are poisoned on purpose.
package recovery

import (
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "recovery".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "recovery",
		Summary: "fault healed → backlog gone and steady again",
		Doc: "One sample for each proved fault: from its heal until all that was acknowledged before has its effect, " +
			"each leadership acts again and stays, and a second begins of which 99 % of operations are acknowledged.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "a fault, proved and healed, after an acknowledged submission",
		New: func(h history.Header) gates.Meter {
			return &meter{leader: h.Guarantees.Leader, settle: h.Settle, met: map[*gates.FaultLife][]struck{}}
		},
	}
}

type meter struct {
	leader     bool
	settle     time.Duration
	faults     gates.Faults
	leaders    gates.Leaders
	rest       gates.Rest
	owed       owed
	operations operations
	met        map[*gates.FaultLife][]struck // the leaderships that had acted when it began
	heals      []*heal
	waiting    []*heal // those of which more can be known
	last       gates.Moment
	ended      bool // by the end of the script
}

// Observe follows the three conditions for each heal.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	m.rest.ObserveRest(e)
	if act, ok := m.leaders.Observe(e); ok {
		for _, h := range m.waiting {
			h.act(act, m.settle)
		}
	}
	switch e.Op {
	case history.OpEffect:
		m.effect(e)
	case history.OpSubmit:
		m.submission(e)
	case history.OpLoad:
		m.load(e)
	case history.OpEnd:
		m.ended = e.Phase == history.OK
	default:
		if fault := m.faults.Observe(e.Event); fault != nil {
			m.fault(fault, e.Event)
		}
	}
}

func (m *meter) effect(e *gates.Event) {
	effect, ok := e.Effect()
	if !ok || effect.Outcome == history.Stale || e.Err != "" {
		return
	}
	subject, _ := e.Subject()
	if since, paid := m.owed.pay(subject); paid {
		for _, h := range m.waiting {
			h.paid(since, m.last)
		}
	}
}

func (m *meter) submission(e *gates.Event) {
	m.operations.submission(e)
	if submit, ok := e.Submit(); ok && e.Phase == history.OK && !history.Poisoned(submit.Subject) {
		subject, _ := e.Subject()
		m.owed.add(subject)
	}
}

func (m *meter) load(e *gates.Event) {
	m.operations.load(e)
	if len(m.operations.loads) > 0 {
		return
	}
	for _, h := range m.waiting {
		if !h.unloaded.Happened() {
			h.unloaded = m.last
		}
	}
}

func (m *meter) fault(fault *gates.FaultLife, e *history.Event) {
	switch {
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		m.meet(fault)
		for _, h := range m.waiting {
			h.cut(m.last, "another fault began before the system had recovered")
		}
		m.waiting = nil
	case e.Op == history.OpRecover && e.Phase == history.OK && m.rest.Acknowledged() > 0:
		m.heal(fault)
	}
}

// meet takes note of who led when the fault began.
func (m *meter) meet(fault *gates.FaultLife) {
	only := fault.Detail.Leadership
	for _, of := range m.leaders.All() {
		hit := !fault.Detail.Mild && (only == "" || only == of.Key) && slices.Contains(fault.Detail.Victims, of.Replica)
		m.met[fault] = append(m.met[fault], struck{of: of, term: of.Term, hit: hit})
	}
}

func (m *meter) heal(fault *gates.FaultLife) {
	h := &heal{
		fault: fault, healed: m.last, owed: m.owed.outstanding, generation: m.owed.generation,
		loaded: len(m.operations.loads) > 0,
	}
	m.owed.turn()
	if h.owed == 0 {
		h.backlog = m.last
	}
	for _, s := range m.met[fault] {
		if regular := s.of.Rhythm().Regular(); regular || s.hit {
			h.leads = append(h.leads, &lead{struck: s, regular: regular})
		}
	}
	m.heals = append(m.heals, h)
	if other := m.broken(fault); other != nil {
		h.cut(m.last, fmt.Sprintf("%q was still in effect", other.Detail.Fault))
		return
	}
	m.waiting = append(m.waiting, h)
}

// broken is another fault that has begun and is not healed; nil where there is none.
func (m *meter) broken(healed *gates.FaultLife) *gates.FaultLife {
	for _, life := range m.faults.Lives() {
		if life != healed && life.Begun.Happened() && !life.Healed.Happened() {
			return life
		}
	}
	return nil
}
