// Package singletons counts how many different singleton workers act after the
// last fault: whether each of them has found a holder again.
//
// A singleton is known by its leadership and by what it does under it: the first
// part of the subject of a fenced effect at the witness, or of a fenced call to a
// backend, that was accepted or seen before ("healing/8123" is of "healing"). So
// eleven leaderships that all do the same are eleven, and so are eleven workers
// under one leadership. Jobs are no singletons, whether they are done under a lease
// or under a leadership.
// That a leadership was taken is not yet work: the announcements
// "leadership/KEY/TERM" do not count. Counted is what arrived after the last
// proof of a fault, so that nothing that was under way before it passes for an
// act of the successor; without any fault, what arrived at all.
//
// Minimum evidence: a singleton that acted at any time, a proof where there are
// faults, and the drill's end or a completed drain. A record that breaks off
// knows the count from below only.
//
// What makes it fail: a singleton that nobody runs any more. The remark names those
// that acted before and not since, and when they did last.
package singletons

import (
	"fmt"
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
		Doc: "Counts, for each leadership, the first parts of the subjects of fenced effects and calls that took effect, or had " +
			"before, and arrived after the last fault was proved. Announcements of a leadership and jobs do not count.",
		Unit:     gates.Level,
		Requires: []string{"leader"},
		Needs:    "a singleton that acted, a proof where there are faults, and the drill's end or a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{workers: map[worker]*acts{}} },
	}
}

// announcements is the first part of the subjects by which a new holder says
// that it is there.
const announcements = "leadership"

// worker is a singleton: what it is, and under which leadership.
type worker struct{ leadership, does string }

// acts are a worker's first act since the last proof of a fault, and its last one ever.
type acts struct {
	since uint64 // its event; 0 where there is none
	last  gates.Moment
	by    string
}

type meter struct {
	faults  gates.Faults
	rest    gates.Rest
	calls   gates.Calls
	since   gates.Moment // the last proof of a fault
	workers map[worker]*acts
}

// Observe takes note of who acts, and begins anew with each fault that bites.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if fault := m.faults.Observe(e.Event); fault != nil {
		if e.Op == history.OpInject && e.Phase == history.OK {
			m.since = fault.InEffect
			for _, a := range m.workers {
				a.since = 0
			}
		}
		return
	}
	if effect, ok := e.Effect(); ok {
		m.act(e, effect, gates.Moment{At: e.At, Seq: e.Seq})
	}
	if call := m.calls.Observe(e); call != nil && e.Phase == history.OK {
		m.act(e, &call.Effect, call.Arrived)
	}
}

func (m *meter) act(e *gates.Event, effect *history.Effect, arrived gates.Moment) {
	if effect.Kind != history.KindFenced || effect.Outcome != history.Accepted && effect.Outcome != history.Seen {
		return
	}
	does, _, hasSlot := strings.Cut(effect.Subject, "/")
	if _, job := history.JobOf(effect.Subject); job || !hasSlot || does == announcements || e.Leases().Is(effect.Leadership) {
		return
	}
	w := worker{effect.Leadership, does}
	a := m.workers[w]
	if a == nil {
		a = &acts{}
		m.workers[w] = a
	}
	a.last, a.by = arrived, effect.Replica
	if a.since == 0 && arrived.Seq > m.since.Seq {
		a.since = e.Seq
	}
}

// Measure is the number of those that acted since the last fault.
func (m *meter) Measure() gates.Measurement {
	name := m.names()
	var acted, missed []string
	var evidence []uint64
	for w, a := range m.workers {
		if a.since == 0 {
			missed = append(missed, fmt.Sprintf("%s (last by %s at %s, event %d)", name(w), a.by, gates.FormatDuration(a.last.At), a.last.Seq))
			continue
		}
		acted, evidence = append(acted, name(w)), append(evidence, a.since)
	}
	slices.Sort(acted)
	slices.Sort(missed)
	slices.Sort(evidence)
	found := gates.Measurement{
		Value: float64(len(acted)), N: len(acted), AtLeast: !m.rest.Drained(), Missing: m.rest.CutShort(), Final: m.rest.Drained(),
		Evidence: gates.AppendEvidence(nil, evidence...), Note: strings.Join(acted, ", "),
	}
	if len(missed) > 0 {
		found.Note = strings.TrimPrefix(found.Note+"; not since the last fault: ", "; ") + strings.Join(missed, ", ")
	}
	if found.Final { // what did not act until then will not
		found.Missing = ""
	}
	switch {
	case len(m.workers) == 0:
		return gates.Measurement{Missing: "no singleton was seen to act"}
	case len(m.faults.Lives()) > 0 && !m.since.Happened():
		return gates.Measurement{Missing: "no fault was proved to be in effect"}
	}
	return found
}

// names tells workers apart: by what they are, and by their leadership too where
// several are the same.
func (m *meter) names() func(worker) string {
	alike := map[string]int{}
	for w := range m.workers {
		alike[w.does]++
	}
	return func(w worker) string {
		if alike[w.does] > 1 {
			return w.does + " of " + w.leadership
		}
		return w.does
	}
}
