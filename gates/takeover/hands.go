package takeover

import (
	"math"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// job is what is known of a job.
type job struct {
	hand               // the latest that is known to have had it
	submitted   uint32 // the event that first submitted it
	acked       uint32 // the event that first acknowledged it
	done, moved bool
	planted     bool // it was planted to fail: its effect is not waited for
}

// hand is a replica that was seen at work on a job.
type hand struct {
	seq     uint32 // the call or effect that shows it
	replica uint16 // its number in the order of appearance, from 1
	attempt uint16 // 0 where it was not told
}

func attemptOf(effect *history.Effect) uint16 {
	return uint16(min(max(effect.Attempt, 0), math.MaxUint16))
}

// number is that of a replica: there are few.
func (m *meter) number(replica string) uint16 {
	if replica == "" {
		return 0
	}
	i := slices.Index(m.replicas, replica)
	if i < 0 {
		i = len(m.replicas)
		m.replicas = append(m.replicas, replica)
	}
	return uint16(i + 1)
}

func (m *meter) submit(e *gates.Event, submit *history.Submit) {
	m.number(submit.Replica)
	subject, _ := e.Subject()
	j := m.jobs.At(subject)
	if j.submitted == 0 {
		j.submitted = uint32(e.Seq)
	}
	if e.Phase == history.OK && j.acked == 0 {
		j.acked = uint32(e.Seq)
	}
	j.planted = history.Poisoned(submit.Subject)
}

// call takes note of who calls a backend for a job.
func (m *meter) call(e *gates.Event, call *history.Effect) {
	replica := m.number(call.Replica)
	for subject := range e.JobOf(call) {
		if m.jobs.At(subject).submitted != 0 {
			m.hold(subject, hand{seq: uint32(e.Seq), replica: replica, attempt: attemptOf(call)})
			return
		}
	}
}

// hold takes note of who has a job. What comes late, from an attempt before the
// one that is known, says nothing of who has it now.
func (m *meter) hold(subject gates.Subject, h hand) {
	j := m.jobs.At(subject)
	if h.replica == 0 || h.attempt < j.attempt {
		return
	}
	if j.replica != 0 && h.attempt > max(1, j.attempt) {
		m.before[subject] = j.hand
	}
	j.hand = h
}

// suspects are the faults that may have taken a job out of somebody's hands, so
// that it was done at that attempt. They are sure where it is known who had it at
// the attempt before.
func (m *meter) suspects(subject gates.Subject, attempt uint16) (may []*gates.FaultLife, sure bool) {
	j := m.jobs.At(subject)
	had := j.hand
	if had.attempt >= attempt {
		had = m.before[subject]
	}
	known := had.replica != 0 && had.attempt > 0
	sure = known && had.attempt == attempt-1
	for _, f := range m.hits {
		switch {
		case f.Begun.Seq < uint64(j.submitted):
		case known && overBefore(f, had):
		case sure && !m.hit(f, had):
		default:
			may = append(may, f)
		}
	}
	return may, sure && len(may) == 1
}

// overBefore says whether the fault was over when the replica was seen at work.
// Until it is, what is seen may have been sent before.
func overBefore(f *gates.FaultLife, h hand) bool {
	return f.Healed.Happened() && f.Healed.Seq < uint64(h.seq)
}

func (m *meter) hit(f *gates.FaultLife, h hand) bool {
	return slices.Contains(f.Detail.Victims, m.replicas[h.replica-1])
}

// leftBehind are acknowledged jobs that were never done, although a completed
// drain has given them every chance.
type leftBehind struct {
	sure   []lostInHand
	unsure int // acknowledged before a proved fault, and nobody knows who had them
}

// lostInHand is a job that was seen in a victim's hands last.
type lostInHand struct {
	job
	fault *gates.FaultLife
}

func (m *meter) leftBehind() (left leftBehind) {
	if !m.rest.Drained() || !m.arrived {
		return left
	}
	for j := range m.jobs.Values() {
		if j.acked == 0 || j.done || j.planted {
			continue
		}
		for _, f := range m.hits {
			if !proved(f) || f.Begun.Seq < uint64(j.acked) {
				continue
			}
			if j.replica == 0 {
				left.unsure++
				break
			}
			if !overBefore(f, j.hand) && m.hit(f, j.hand) {
				left.sure = append(left.sure, lostInHand{j, f})
				break
			}
		}
	}
	return left
}
