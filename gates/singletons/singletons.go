// Package singletons counts how many different singleton workers act after the
// last fault: whether each of them has found a holder again.
//
// A singleton is known by what it does under its leadership: the first part of
// the subject of a fenced effect at the witness, or of a fenced call to a
// backend, that was accepted or seen before ("healing/8123" is of "healing").
// That a leadership was taken is not yet work: the announcements
// "leadership/KEY/TERM" do not count. Counted is what arrived after the last
// proof of a fault, so that nothing that was under way before it passes for an
// act of the successor; without any fault, what arrived at all.
//
// Minimum evidence: a singleton that acted at any time, a proof where there are
// faults, and the drill's end or a completed drain. A record that breaks off
// knows the count from below only.
//
// What makes it fail: a singleton that nobody runs any more.
package singletons

import (
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "singletons".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "singletons",
		Summary: "how many different singleton workers acted after the last fault",
		Doc: "Counts the first parts of the subjects of fenced effects and calls that took effect, or had before, and " +
			"arrived after the last fault was proved. Announcements of a leadership do not count.",
		Unit:     gates.Level,
		Requires: []string{"leader"},
		Needs:    "a singleton that acted, a proof where there are faults, and the drill's end or a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{workers: map[string]uint64{}} },
	}
}

// announcements is the first part of the subjects by which a new holder says
// that it is there.
const announcements = "leadership"

type meter struct {
	faults  gates.Faults
	rest    gates.Rest
	calls   gates.Calls
	since   gates.Moment      // the last proof of a fault
	workers map[string]uint64 // those that acted since, and the event that shows it first
	acted   bool              // any of them, at any time
}

// Observe takes note of who acts, and begins anew with each fault that bites.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if fault := m.faults.Observe(e.Event); fault != nil {
		if e.Op == history.OpInject && e.Phase == history.OK {
			m.since = fault.InEffect
			clear(m.workers)
		}
		return
	}
	if effect, ok := e.Effect(); ok {
		m.act(effect, gates.Moment{At: e.At, Seq: e.Seq}, e.Seq)
	}
	if call := m.calls.Observe(e); call != nil && e.Phase == history.OK {
		m.act(&call.Effect, call.Arrived, e.Seq)
	}
}

func (m *meter) act(effect *history.Effect, arrived gates.Moment, seq uint64) {
	if effect.Kind != history.KindFenced || effect.Outcome != history.Accepted && effect.Outcome != history.Seen {
		return
	}
	worker, _, hasSlot := strings.Cut(effect.Subject, "/")
	if !hasSlot || worker == announcements {
		return
	}
	m.acted = true
	if m.workers[worker] == 0 && arrived.Seq > m.since.Seq {
		m.workers[worker] = seq
	}
}

// Measure is the number of those that acted since the last fault.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{
		Value: float64(len(m.workers)), N: len(m.workers), AtLeast: !m.rest.Drained(), Missing: m.rest.CutShort(), Final: m.rest.Drained(),
		Evidence: gates.AppendEvidence(nil, slices.Sorted(maps.Values(m.workers))...),
		Note:     strings.Join(slices.Sorted(maps.Keys(m.workers)), ", "),
	}
	if found.Final { // what did not act until then will not
		found.Missing = ""
	}
	switch {
	case !m.acted:
		return gates.Measurement{Missing: "no singleton was seen to act"}
	case len(m.faults.Lives()) > 0 && !m.since.Happened():
		return gates.Measurement{Missing: "no fault was proved to be in effect"}
	}
	return found
}
