// Package leaderless measures the longest time for which nothing was done under a
// leadership: whether each of them has a leader again, and keeps it.
//
//	term 1  e──e──e──e──e ✗                        the old leader lingers, and stops
//	term 2                                         nobody comes
//	                    └────────── silence ──── … ┤ the load's stop, or the drain's end
//
// An act of a leadership is an effect under its newest term that the witness took,
// or had taken before, or a fenced call to a backend under that term. A silence lies
// between two acts, or between the last one and the end; it counts from the
// leadership's first act on, so that a late one is none. The end is that of the last
// load or drain, whichever comes later: what falls silent when the harness takes the
// system down is not counted.
//
// A silence of a leadership that acts rarely is no proof that nobody leads. So each
// sample is an interval: at the most the silence, at the least what shows that nobody
// led:
//
//   - Its own rhythm is taken off: the longest pause between two acts under one term
//     while nothing was broken. A leader that acts every second may be silent for a
//     second longer than its absence.
//   - A leadership that was seen to act for a short time only is not held to that for
//     more than ten times as long: a burst is no rhythm.
//   - One that acts only while a load runs, or its jobs are left, is not held to that
//     after it.
//   - A leader that is cut off from the witness alone may lead: what nobody could hear
//     shows nothing. Once it was hit otherwise, another one that can be heard is owed.
//   - One that never acted twice under one term (it says that it is there, and no
//     more) is left out, unless the process of its leader ended: then a successor was
//     owed from there on. A fault that its leader may have survived leaves it open.
//
// Where the bound lies within the interval the verdict is unknown: the leadership
// acts too rarely for such a bound.
//
// Minimum evidence: an act of every leadership that the system names, of one at least,
// and one that acts regularly or lost its leader.
//
// What makes it fail: a leadership, one of eleven included, under which nothing is
// done for longer than the bound, be it for ever or for a while.
package leaderless

import (
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "leaderless".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "leaderless",
		Summary: "longest time without an act of a leadership, from its first act to the end of load and drain",
		Doc: "One sample for each leadership that acts regularly or lost its leader: its longest silence, one that lasts to the end " +
			"included. What its own rhythm explains is not held against it.",
		Unit:     gates.Duration,
		Requires: []string{"leader"},
		Needs:    "an act of a leadership that acts again and again, or whose leader ended",
		New: func(h history.Header) gates.Meter {
			return &meter{named: h.Guarantees.Leaderships, replicas: h.Replicas, of: map[*gates.Leadership]*silences{}, ends: map[string]gates.Moment{}}
		},
	}
}

type meter struct {
	named    []string
	replicas int
	leaders  gates.Leaders
	of       map[*gates.Leadership]*silences
	ends     map[string]gates.Moment // of processes, the last of each
}

// Observe follows the acts of all leaderships.
func (m *meter) Observe(e *gates.Event) {
	if e.Op == history.OpExit {
		m.ends[e.Actor] = gates.Moment{At: e.At, Seq: e.Seq}
	}
	act, ok := m.leaders.Observe(e)
	if !ok {
		return
	}
	s := m.of[act.Of]
	if s == nil {
		s = &silences{}
		m.of[act.Of] = s
	} else {
		over := m.silence(act.Of.Key, s, act.Former, act.Now, m.leaders.Wanted())
		over.heir, over.held = act.NewTerm, act.Calm && !act.NewTerm
		s.add(over)
	}
	s.leader, s.term, s.wanted = act.Of.Replica, act.Of.Term, m.leaders.Wanted()
}

// silence is the time between the last act and that moment, with what befell the
// leader in it. A fault that takes one leadership from its victim leaves the others.
func (m *meter) silence(leadership string, of *silences, from, to gates.Moment, wanted time.Duration) silence {
	s := silence{from: from, to: to, leader: of.leader, term: of.term, demanded: wanted - of.wanted}
	for _, life := range m.leaders.Faults() {
		only := life.Detail.Leadership
		hit := !life.Detail.Mild && life.InEffect.Happened() && slices.Contains(life.Detail.Victims, s.leader) && (only == "" || only == leadership)
		if hit && life.Begun.Seq > from.Seq && life.Begun.Seq < to.Seq && !s.hit.Happened() {
			s.hit = life.Begun
			s.dead = life.Detail.Name == kill
		}
	}
	if ended := m.ends[s.leader]; ended.Seq > from.Seq && ended.Seq < to.Seq {
		s.dead = true
		if !s.hit.Happened() || ended.Seq < s.hit.Seq {
			s.hit = ended
		}
	}
	free := gates.Undisturbed(gates.Window{From: from.At, To: to.At}, m.leaders.Faults(), func(life *gates.FaultLife) (gates.Window, bool) {
		all := len(life.Detail.Victims) >= m.replicas
		return life.Whole(), life.Unheard() && slices.Contains(life.Detail.Victims, s.leader) && (all || !s.hit.Happened())
	})
	s.heard = free.To - free.From
	return s
}

// kill is the fault that certainly ends its victims.
const kill = "kill"

// Measure is one sample for each leadership of which a silence shows something.
func (m *meter) Measure() gates.Measurement {
	if missing := m.missing(); missing != "" {
		return gates.Measurement{Missing: missing}
	}
	var found gates.Measurement
	end, wanted := m.leaders.End()
	for _, of := range m.leaders.All() {
		all := m.of[of].clone()
		if end.Seq > of.Last.Seq {
			last := m.silence(of.Key, all, of.Last, end, wanted)
			last.open = true
			all.add(last)
		}
		if s, ok := all.sample(of); ok {
			found.Samples = append(found.Samples, s)
		}
	}
	if len(found.Samples) == 0 {
		found.Missing = "no leadership acted twice under one term, nor did the leader of one end: their silence shows nothing"
	}
	longest := longestOf(found.Samples)
	found.WhyOpen = "its own rhythm explains a part of that: " + longest.Note
	return found
}

// longestOf is the sample that may be the longest.
func longestOf(samples []gates.Sample) (longest gates.Sample) {
	for _, s := range samples {
		if max(s.Took, s.Most) >= max(longest.Took, longest.Most) {
			longest = s
		}
	}
	return longest
}

// missing says which leadership was never seen to act.
func (m *meter) missing() string {
	all := m.leaders.All()
	for _, name := range m.named {
		if !slices.ContainsFunc(all, func(of *gates.Leadership) bool { return of.Key == name }) {
			return fmt.Sprintf("the leadership %s was never seen to act", name)
		}
	}
	if len(all) == 0 {
		return "no leader was seen to act"
	}
	return ""
}

// tell is a silence in words.
func (s silence) tell(of *gates.Leadership) string {
	told := fmt.Sprintf("nothing was done under %s for %s after %s in term %d (event %d)",
		of.Key, gates.FormatDuration(s.long()), s.leader, s.term, s.from.Seq)
	switch {
	case s.open:
		return told + ", until the end"
	case s.heir:
		return told + ", until a new term"
	}
	return told + ", until it went on"
}
