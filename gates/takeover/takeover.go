// Package takeover measures how long a job that was in a victim's hands takes
// to be done by a survivor: the recovery of work in flight, which is another
// number than the failover of a leader.
//
//	submit ── inject invoke ─────────────────▶ effect, attempt 2
//	               └──────── takeover ─────────────┘  of a replica that was not hit
//
// The clock starts when the injection begins and stops at the first effect,
// accepted or seen, of a job at its second or a later attempt from a replica
// that is not a victim of the fault. Seen counts, because the victim may have
// had its effect and died before it could record it. A fault counts if it hit a
// replica (a name that sent effects or calls, or answered clients before), is
// not mild, and began after the job was submitted. One sample a job: its first.
//
// Which of several faults took the job out of whose hands is told by the calls
// and effects of it at the attempt before: they say who had it. Where nothing
// says so, the sample is an interval: from the first fault after the submission
// at the longest, and at the shortest from the latest fault of any kind, or no
// time at all where a stall of the harness came in between, since either may be
// why the job was tried again.
//
// While a store is down no job can be taken over, and a fault of another replica may
// have hit whoever had just done so: at the shortest a sample is the longest time
// between such faults.
//
// A job that was acknowledged before the fault, was seen in the victim's hands
// last, and has no effect after a completed drain is one that is never taken
// over. Where nothing says who had such a job, it leaves the longest time open.
//
// Minimum evidence: one such effect, or such a job that is never done, after a
// fault that was proved, and a completed drain. Without it nothing was in the
// victim's hands, or the system does not tell at which attempt it is: nothing
// was shown.
//
// What makes it fail: a job that waits for its survivor longer than the bound.
package takeover

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "takeover".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "takeover",
		Summary: "injection begun → effect of a job's later attempt from a replica that was not hit",
		Doc: "One sample for each job that was submitted before a proved fault hit replicas, and whose effect came " +
			"from another replica at attempt 2 or later; never, for a job last seen in the victim's hands and never done. " +
			"Mild faults take no job out of anybody's hands.",
		Unit:     gates.Duration,
		Requires: []string{"jobs"},
		Needs:    "a fault, proved to be in effect, that hit a replica with a job in hand, effects that tell their attempt, and a completed drain",
		New: func(h history.Header) gates.Meter {
			return &meter{stalls: gates.NewStalls(h), before: map[gates.Subject]hand{}}
		},
	}
}

// firstAgain is the attempt from which on a job has changed hands.
const firstAgain = 2

type meter struct {
	faults   gates.Faults
	rest     gates.Rest
	stalls   gates.Stalls
	replicas []string               // that were heard of
	jobs     gates.Column[job]      //
	before   map[gates.Subject]hand // whose hands a job was in at an attempt before the latest
	hits     []*gates.FaultLife     // those that took replicas down, or cut them off
	moves    []move                 //
	arrived  bool                   // an effect of anybody
	again    bool                   // an attempt above 1 was told
}

// move is a job that was done at a later attempt by a replica that was not hit.
type move struct {
	subject, replica string
	attempt          int
	at               gates.Moment
	first            *gates.FaultLife   // that may have been why
	may              []*gates.FaultLife // all of these
	shortest         time.Duration
	hindered         bool // by another fault
}

// Observe follows in whose hands each job is, and takes the time of each effect
// of a later attempt.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.stalls.Observe(e.Event)
	if submit, ok := e.Submit(); ok {
		m.submit(e, submit)
		return
	}
	if call, ok := e.Call(); ok {
		if e.Phase == history.Invoke {
			m.call(e, call)
		}
		return
	}
	if effect, ok := e.Effect(); ok {
		m.effect(e, effect)
		return
	}
	if fault := m.faults.Observe(e.Event); fault != nil && e.Op == history.OpInject && e.Phase == history.Invoke {
		m.strike(fault)
	}
}

func (m *meter) strike(fault *gates.FaultLife) {
	hitsReplica := slices.ContainsFunc(fault.Detail.Victims, func(name string) bool { return slices.Contains(m.replicas, name) })
	if hitsReplica && !fault.Detail.Mild {
		m.hits = append(m.hits, fault)
	}
}

func (m *meter) effect(e *gates.Event, effect *history.Effect) {
	replica := m.number(effect.Replica)
	if e.Err != "" { // its key was another subject's
		return
	}
	subject, _ := e.Subject()
	j := m.jobs.At(subject)
	m.again = m.again || effect.Attempt >= firstAgain
	if effect.Outcome != history.Stale {
		m.arrived = true
		if effect.Attempt >= firstAgain && j.submitted != 0 && !j.moved {
			m.move(e, effect, subject)
		}
		j.done = true
	}
	m.hold(subject, hand{seq: uint32(e.Seq), replica: replica, attempt: attemptOf(effect)})
}

// move takes the time of a job that has changed hands.
func (m *meter) move(e *gates.Event, effect *history.Effect, subject gates.Subject) {
	j := m.jobs.At(subject)
	may, sure := m.suspects(subject, attemptOf(effect))
	survived := func(f *gates.FaultLife) bool { return !slices.Contains(f.Detail.Victims, effect.Replica) }
	if !slices.ContainsFunc(may, survived) {
		return
	}
	j.moved = true
	since := may[len(may)-1].Begun.At
	if !sure {
		since = max(since, m.latest(uint64(j.submitted)))
	}
	window := gates.Window{From: since, To: e.At}
	free := gates.Undisturbed(window, m.faults.Lives(), func(other *gates.FaultLife) (gates.Window, bool) {
		in, is := other.InTheWay(effect.Replica)
		return in, is && !slices.Contains(may, other)
	})
	shortest := free.To - free.From - m.stalls.Within(free)
	if !sure && m.stalls.Disturb(window) {
		shortest = 0
	}
	m.moves = append(m.moves, move{
		subject: effect.Subject, replica: effect.Replica, attempt: effect.Attempt, at: gates.Moment{At: e.At, Seq: e.Seq},
		first: may[0], may: may, shortest: max(0, shortest), hindered: free != window,
	})
}

// latest is when the last fault that was not mild began, of those since an event.
func (m *meter) latest(since uint64) (begun time.Duration) {
	for _, life := range m.faults.Lives() {
		if life.Begun.Seq > since && !life.Detail.Mild {
			begun = max(begun, life.Begun.At)
		}
	}
	return begun
}

// Measure is the times of all jobs that proved faults made move, or left behind.
func (m *meter) Measure() gates.Measurement {
	switch {
	case len(m.faults.Lives()) == 0:
		return gates.Measurement{Missing: "no fault was injected"}
	case len(m.hits) == 0:
		return gates.Measurement{Missing: "no fault took a replica down or cut it off"}
	case !slices.ContainsFunc(m.hits, proved):
		return gates.Measurement{Missing: "no fault was proved to have hit a replica"}
	}
	moves := slices.DeleteFunc(slices.Clone(m.moves), func(mv move) bool { return !slices.ContainsFunc(mv.may, proved) })
	left := m.leftBehind()
	if len(moves)+len(left.sure) == 0 {
		return gates.Measurement{Missing: m.nothing(left)}
	}
	found := m.times(moves, left)
	found.Missing = m.rest.NotDrained()
	return found
}

// times puts together the times of the jobs that moved and those that never did.
func (m *meter) times(moves []move, left leftBehind) gates.Measurement {
	var worst, best gates.TimesBuilder
	for _, mv := range moves {
		worst.Add(mv.longest(), false)
		best.Add(mv.shortest, false)
	}
	for range left.sure {
		worst.Add(gates.Never, false)
		best.Add(gates.Never, false)
	}
	found := gates.Measurement{WhyOpen: "it is not known in whose hands the jobs were, and several faults or a stall may be why they were tried again"}
	if slices.ContainsFunc(moves, func(mv move) bool { return mv.hindered }) {
		found.WhyOpen = "another fault was in the way of whoever was to take over, or " + found.WhyOpen
	}
	if left.unsure > 0 {
		worst.Add(0, true)
		best.Add(0, true)
		found.WhyOpen = fmt.Sprintf("%d jobs acknowledged before a fault were never done, and it is not known in whose hands they were", left.unsure)
	}
	found.Times, found.Best, found.WhyBest = worst.Times(), best.Times(), found.WhyOpen
	found.N = found.Times.Len()
	if len(left.sure) > 0 {
		last := left.sure[0]
		found.Note = fmt.Sprintf("%d are never done: the first was acknowledged at event %d, and was in the hands of %s (event %d) before %q hit it",
			len(left.sure), last.acked, m.replicas[last.replica-1], last.seq, last.fault.Detail.Fault)
		found.Evidence = []uint64{uint64(last.acked), uint64(last.seq), last.fault.Begun.Seq}
		return found
	}
	longest := slices.MaxFunc(moves, func(a, b move) int { return cmp.Compare(a.longest(), b.longest()) })
	found.Note, found.Evidence = longest.tell(), []uint64{longest.first.Begun.Seq, longest.at.Seq}
	return found
}

// nothing says why there is no time.
func (m *meter) nothing(left leftBehind) string {
	text := "no job was done at a later attempt by a replica that was not hit"
	if left.unsure > 0 {
		text += fmt.Sprintf(", and %d that were acknowledged before the fault are never done", left.unsure)
	}
	switch {
	case left.unsure > 0:
		return text + ": it is not known in whose hands they were"
	case m.again:
		return text + ": nothing was in the victim's hands"
	}
	return text + ": either nothing was in the victim's hands, or the system tells no attempt above 1"
}

func (mv move) longest() time.Duration { return mv.at.At - mv.first.Begun.At }

func (mv move) tell() string {
	return fmt.Sprintf("the longest: %q at attempt %d from %s, after %q hit %s",
		mv.subject, mv.attempt, mv.replica, mv.first.Detail.Fault, mv.first.Detail.Victims[0])
}

func proved(f *gates.FaultLife) bool { return f.InEffect.Happened() }
