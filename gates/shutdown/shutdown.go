// Package shutdown measures how long a process takes to end that was asked to.
//
// The clock starts when the injection of a graceful stop begins ("terminate",
// "restart", and each step of a rolling restart) and stops at the end of the
// victim's process as its parent learns of it. Each victim is a sample, a store
// that was restarted too.
//
//	inject invoke ───▶ SIGTERM … the victim hands over … exit ───▶ inject ok
//	     └────────────────── shutdown ─────────────────────┘
//
// A process that is still there when its grace has passed is killed by the
// harness. It has not shut down: its sample never ends, and a bound below the
// grace and one above it fail alike.
//
// A process that is paused hears no signal: what it took for certain is the longest
// time without a pause.
//
// Minimum evidence: a graceful stop that was injected, and a record that tells
// the ends of its victim. Where no end of that process is in it at all, the
// sample is open: nobody would have told. A stop that could not be proved, and
// whose victim's end is not in the record, gives no sample: whether it was asked
// at all is not known.
//
// What makes it fail: an end that comes too late, by SIGKILL, or not at all.
// How the victim ended otherwise, and with which status, is not its business.
package shutdown

import (
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "shutdown".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "shutdown",
		Summary: "asked to stop → the process has ended",
		Doc: "One sample for each victim of each graceful stop. Infinite where it had to be killed, or where no end of " +
			"it was seen.",
		Unit:  gates.Duration,
		Needs: "a graceful stop that was injected, of a process whose ends are told",
		New: func(history.Header) gates.Meter {
			return &meter{stopping: map[string]*stop{}, told: map[string]bool{}}
		},
	}
}

// graceful are the faults that ask a process to stop.
var graceful = map[string]bool{"terminate": true, "restart": true}

// killed is the signal that ends what does not end by itself.
const killed = "killed"

// paused is the fault in which a process hears no signal.
const paused = "pause"

type meter struct {
	faults   gates.Faults
	rest     gates.Rest
	stops    []*stop
	stopping map[string]*stop // by process: those whose end has not come
	told     map[string]bool  // processes of which an end is in the record
	last     gates.Moment
}

// stop is one process that was asked to stop.
type stop struct {
	fault   *gates.FaultLife
	begun   gates.Moment
	process string
	ended   gates.Moment
	how     history.Exit
	untold  bool // the injection ended without a proof
}

// Observe waits for the ends of the victims.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	m.rest.ObserveRest(e)
	if e.Op == history.OpExit {
		m.exit(e.Event)
		return
	}
	fault := m.faults.Observe(e.Event)
	switch {
	case fault == nil || !graceful[fault.Detail.Name]:
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		for _, victim := range fault.Detail.Victims {
			s := &stop{fault: fault, begun: m.last, process: victim}
			m.stops, m.stopping[victim] = append(m.stops, s), s
		}
	case e.Op == history.OpInject && e.Phase != history.OK:
		for _, s := range m.stops {
			s.untold = s.untold || s.fault == fault
		}
	case e.Op == history.OpRecover && e.Phase == history.OK:
		for _, victim := range fault.Detail.Victims {
			delete(m.stopping, victim) // it runs again: its next end is another
		}
	}
}

func (m *meter) exit(e *history.Event) {
	m.told[e.Actor] = true
	s := m.stopping[e.Actor]
	if s == nil {
		return
	}
	how, err := history.Decode[history.Exit](e)
	if err != nil {
		return // what cannot be read is no end
	}
	s.ended, s.how = m.last, how
	delete(m.stopping, e.Actor)
}

// silent says that the process has ended, as the fault's proof shows, and that
// this record tells no end of it, neither this one nor any other.
func (s *stop) silent(told map[string]bool) bool {
	return s.fault.InEffect.Happened() && !told[s.process]
}

// Measure gives a sample for each victim.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, s := range m.stops {
		if s.ended.Happened() || !s.untold {
			found.Samples = append(found.Samples, m.sample(s))
		}
		switch {
		case s.silent(m.told):
			found.WhyOpen = fmt.Sprintf("no end of %s is told in this record", s.process)
		case s.ended.Happened() && found.WhyOpen == "" && m.awake(s) < s.ended.At-s.begun.At:
			found.WhyOpen = fmt.Sprintf("%s was paused while it was to end", s.process)
		}
	}
	switch {
	case len(m.stops) == 0:
		found.Missing = "nothing was asked to stop"
	case len(found.Samples) == 0:
		found.Missing = "no graceful stop was proved to be in effect"
	}
	return found
}

// awake is the longest time in which the process could end and was not paused.
func (m *meter) awake(s *stop) time.Duration {
	free := gates.Undisturbed(gates.Window{From: s.begun.At, To: s.ended.At}, m.faults.Lives(), func(other *gates.FaultLife) (gates.Window, bool) {
		return other.Whole(), other.Detail.Name == paused && slices.Contains(other.Detail.Victims, s.process)
	})
	return free.To - free.From
}

func (m *meter) sample(s *stop) gates.Sample {
	sample := gates.Sample{Evidence: []uint64{s.begun.Seq}, Spans: gates.Window{From: s.begun.At, To: m.last.At}}
	switch {
	case s.ended.Happened() && s.how.Signal != killed:
		sample.Took = s.ended.At - s.begun.At
		sample.Slack = sample.Took - m.awake(s)
		sample.Note = fmt.Sprintf("%q ended %s", s.fault.Detail.Fault, s.process)
	case s.ended.Happened():
		sample.Took, sample.Waited = gates.Never, s.ended.At-s.begun.At
		sample.Note = fmt.Sprintf("%s did not end by itself: it was killed %s after %q began",
			s.process, gates.FormatDuration(sample.Waited), s.fault.Detail.Fault)
		if awake := m.awake(s); awake < sample.Waited {
			sample.Took, sample.Open = awake, true
		}
	case s.silent(m.told):
		sample.Open, sample.Note = true, fmt.Sprintf("no end of %s is told in this record", s.process)
	case m.rest.CutShort() == "":
		sample.Took, sample.Waited = gates.Never, m.last.At-s.begun.At
		sample.Note = fmt.Sprintf("no end of %s was seen after %q", s.process, s.fault.Detail.Fault)
	default:
		sample.Took, sample.Open = m.last.At-s.begun.At, true
		sample.Note = fmt.Sprintf("%s had not ended after %q before the record ends", s.process, s.fault.Detail.Fault)
	}
	if s.ended.Happened() {
		sample.Spans.To = s.ended.At
		sample.Evidence = append(sample.Evidence, s.ended.Seq)
	}
	return sample
}
