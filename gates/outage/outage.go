// Package outage measures the longest time in which no client could get an
// operation acknowledged while a load was running.
//
//	load invoke ──ok──ok─────────────ok──ok── last one asked for
//	                    └─ outage ─┘
//
// The edges count: from the start of the load to the first acknowledgement, and
// from the last one to the end of the load's schedule. The schedule ends with the
// last operation that was meant to be sent. What is still under way then belongs
// to the outage if several had been asked for since the last acknowledgement; a
// straggler that had been asked for before it does not. Several loads are merged:
// time counts while one of them runs.
//
// Time in which nothing was asked is no outage. A slow load leaves such time
// between its operations, and a bound that lies in it is unknown: a load should be
// much faster than the bound. So is one that lies in the time in which the harness
// stood still, or the system had to recover from that.
//
// Minimum evidence: loads that ran for a second, and one acknowledged operation
// during them. A load that was refused whole says nothing of how long an outage
// is. Where faults were in effect that are not mild, something must have been asked
// during each of them, and something that was asked since its proof must have been
// acknowledged before the loads end: else nobody saw the outage, or its end, and a pass proves nothing.
//
// What makes it fail: a window without any acknowledgement as long as the bound.
package outage

import (
	"fmt"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// leastLoad is how long loads must have run for the lack of an outage to say
// something.
const leastLoad = time.Second

// Metric is "outage".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "outage",
		Summary: "longest time in which no client got an operation acknowledged while a load ran",
		Doc: "One sample a drill: the longest window without an acknowledgement, the load's own edges included. The load must be " +
			"much faster than the bound, and must ask for something while each fault is in effect.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "loads that ran for 1 s, one acknowledged operation, and operations while each fault was in effect",
		New: func(h history.Header) gates.Meter {
			return &meter{stalls: gates.NewStalls(h), answered: map[*gates.FaultLife]bool{}, parted: map[*gates.FaultLife]bool{}}
		},
	}
}

type meter struct {
	stalls   gates.Stalls
	stake    gates.Stake
	answered map[*gates.FaultLife]bool // something that was asked since its proof was acknowledged
	parted   map[*gates.FaultLife]bool // the loads ended before that
	loads    loads
	gaps     gaps
	last     gates.Moment
	acked    int
}

// Observe follows the loads, and the acknowledgements while one runs.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	m.stalls.Observe(e.Event)
	m.stake.Observe(e)
	switch e.Op {
	case history.OpLoad:
		m.load(e)
	case history.OpSubmit:
		m.submission(e)
	}
}

func (m *meter) load(e *gates.Event) {
	interval := m.loads.interval()
	switch begun, ended := m.loads.observe(e); {
	case begun:
		m.gaps.begin(m.last)
	case ended:
		m.gaps.end(m.last, interval)
		m.part(e.At)
	}
}

func (m *meter) submission(e *gates.Event) {
	submit, ok := e.Submit()
	if !ok {
		return
	}
	if e.Phase == history.OK {
		m.answer(max(submit.Intended, 0), e.At)
	}
	if !m.loads.running() {
		return
	}
	m.gaps.ask(e, submit.Intended)
	if e.Phase == history.OK {
		m.acked++
		m.gaps.acknowledge(m.last, m.loads.interval(), m.stake.UnderWay() > 0)
	}
}

// part takes note of the faults that no answer had come since when the loads ended:
// what comes under a later load does not show how long that would have gone on.
func (m *meter) part(now time.Duration) {
	for _, life := range m.stake.Faults() {
		if life.Bites(now) && !m.answered[life] {
			m.parted[life] = true
		}
	}
}

// answer takes note of the faults since whose proof an operation was asked for that
// is acknowledged now. One of before may have been served before the fault.
func (m *meter) answer(asked, now time.Duration) {
	if asked == 0 {
		asked = now
	}
	for _, life := range m.stake.Faults() {
		if life.Bites(asked) {
			m.answered[life] = true
		}
	}
}

// Measure is one sample: the longest window.
func (m *meter) Measure() gates.Measurement {
	open := m.loads.running()
	found, ran := m.gaps, m.loads.ran
	if open {
		found = m.gaps.closed(m.last, m.loads.interval())
		ran += m.last.At - m.loads.began
	}
	switch {
	case ran == 0:
		return gates.Measurement{Missing: "no load ran"}
	case m.acked == 0:
		return gates.Measurement{Missing: "no operation was acknowledged while a load ran"}
	case ran < leastLoad:
		return gates.Measurement{Missing: fmt.Sprintf("loads ran for %s only, and 1 s is the least", gates.FormatDuration(ran))}
	}
	longest, least, why := m.longest(found.kept)
	if open {
		why = "" // the record ends first
	}
	return gates.Measurement{Vain: m.unseen(), WhyOpen: why, Samples: []gates.Sample{{
		Took: longest.took(), Slack: longest.took() - least, Open: open, Evidence: longest.edges[:],
		Note: fmt.Sprintf("nothing was acknowledged from event %d to event %d", longest.edges[0], longest.edges[1]),
	}}}
}

// longest is the longest gap, and the longest time of any gap that neither want of
// demand nor a stall of the harness explains; the reason is for what they do.
func (m *meter) longest(kept []gap) (longest gap, least time.Duration, why string) {
	var reasons []string
	for i, g := range kept {
		stalled := m.stalls.Within(g.Window)
		if i == 0 {
			longest = g
			if g.idle > stalled {
				reasons = append(reasons, m.loads.tell(g.idle))
			}
			if stalled > 0 {
				reasons = append(reasons, m.stalls.Tell())
			}
		}
		least = max(least, g.took()-g.idle-stalled)
	}
	return longest, least, strings.Join(reasons, "; ")
}

// unseen says which fault nobody saw the outage of, or not its end; empty where
// there is none.
func (m *meter) unseen() string {
	if why := m.stake.Unasked(); why != "" {
		return why
	}
	for _, life := range m.stake.Faults() {
		if life.InEffect.Happened() && !life.Detail.Mild && (!m.answered[life] || m.parted[life]) {
			return fmt.Sprintf("nothing that was asked for after %q was in effect (event %d) was acknowledged before the load ended: nobody saw the end of the outage", life.Detail.Fault, life.InEffect.Seq)
		}
	}
	return ""
}
