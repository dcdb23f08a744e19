package gates

import (
	"fmt"
	"maps"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// between is how far apart two operations may be that a fault lies between: one that
// is over in a millisecond is met by a load that was at work before it and goes on
// behind it. A load that begins behind a fault has not met it.
const between = time.Second

// Stake follows what was asked of the system while something was broken. A fault
// that met no operation has put nothing to the test: that nothing was lost in it,
// or that nobody waited, is no finding. A mild fault, whose victims can go on, asks
// for nothing.
//
// All meters of a judgement share what it knows: Observe takes it off the event.
type Stake struct{ shared *stake }

// Observe is to be shown every event.
func (s *Stake) Observe(e *Event) { s.shared = e.stake }

type stake struct {
	faults  Faults
	open    map[Subject]struct{} // submissions under way
	state   Column[uint8]
	waiting int // jobs acknowledged and without an effect
	asked   meetings
	worked  meetings
	called  meetings
}

// meetings are the faults that operations of one kind have met.
type meetings struct {
	met  map[*FaultLife]bool
	last Moment // of such an operation
}

const (
	jobAcknowledged = 1 << iota
	jobDone
)

// observe takes note of faults, submissions and effects.
func (s *stake) observe(e *Event) {
	switch e.Op {
	case history.OpSubmit:
		s.submission(e)
	case history.OpEffect:
		s.effect(e)
	case history.OpCall:
		s.call(e)
	default:
		if life := s.faults.Observe(e.Event); life != nil && e.Op == history.OpInject {
			s.meet(e, len(s.open) > 0, s.waiting > 0)
		}
	}
}

func (s *stake) submission(e *Event) {
	submit, ok := e.Submit()
	if !ok {
		return
	}
	if s.open == nil {
		s.open = map[Subject]struct{}{}
	}
	subject, _ := e.Subject()
	if e.Phase == history.Invoke {
		s.open[subject] = struct{}{}
	} else {
		delete(s.open, subject)
	}
	if e.Phase == history.OK && !history.Poisoned(submit.Subject) { // nobody waits for an effect of those
		s.mark(e, jobAcknowledged)
	}
	s.meet(e, true, true)
}

func (s *stake) effect(e *Event) {
	effect, ok := e.Effect()
	if !ok || effect.Outcome == history.Stale || e.Err != "" {
		return
	}
	before := s.waiting
	s.mark(e, jobDone)
	s.meet(e, false, before != s.waiting)
}

// mark takes note of what has become of a job.
func (s *stake) mark(e *Event, what uint8) {
	subject, _ := e.Subject()
	state := s.state.At(subject)
	was := *state == jobAcknowledged
	*state |= what
	switch is := *state == jobAcknowledged; {
	case is && !was:
		s.waiting++
	case was && !is:
		s.waiting--
	}
}

func (s *stake) call(e *Event) {
	if e.Phase == history.Invoke {
		s.called.meet(e, s.faults.Lives())
	}
}

// meet has a submission, or work, meet the faults.
func (s *stake) meet(e *Event, submission, work bool) {
	if submission {
		s.asked.meet(e, s.faults.Lives())
	}
	if submission || work {
		s.worked.meet(e, s.faults.Lives())
	}
}

// Bites says whether a fault that is not over has bitten by that time: it was proved by
// then, or has begun long ago. What comes between a begin and a proof that is soon
// there may have come before the fault.
func (l *FaultLife) Bites(at time.Duration) bool {
	proved := l.InEffect.Happened() && l.InEffect.At <= at
	return proved || l.Begun.Happened() && l.Begun.At+biting <= at
}

// biting is how long a fault may take to bite. One that takes more and more of
// something bites long before it is proved.
const biting = time.Second

// meet has an operation meet every fault that bites, and those that were in effect
// and over since the last operation, if that was not long ago.
func (m *meetings) meet(e *Event, lives []*FaultLife) {
	near := m.last.Happened() && e.At-m.last.At <= between
	for _, life := range lives {
		since := near && life.InEffect.Seq > m.last.Seq
		if !life.Bites(e.At) || life.Healed.Happened() && !since {
			continue
		}
		if m.met == nil {
			m.met = map[*FaultLife]bool{}
		}
		m.met[life] = true
	}
	m.last = Moment{At: e.At, Seq: e.Seq}
}

// known is what is known so far: nothing before the first event.
func (s *Stake) known() *stake {
	if s.shared == nil {
		return &stake{}
	}
	return s.shared
}

// UnderWay is how many submissions are.
func (s *Stake) UnderWay() int { return len(s.known().open) }

// Faults are those of the record so far.
func (s *Stake) Faults() []*FaultLife { return s.known().faults.Lives() }

// Unasked names the first proved fault during which nothing was submitted; empty
// where there is none.
func (s *Stake) Unasked() string {
	return s.known().first(s.known().asked.met, "nothing was submitted")
}

// Idle names the first proved fault during which nothing was submitted and no
// acknowledged job was left to do; empty where there is none.
func (s *Stake) Idle() string {
	return s.known().first(s.known().worked.met, "nothing was submitted, and no job was left to do,")
}

// Quiet names the first proved fault during which, besides, no call to a backend
// arrived; empty where there is none.
func (s *Stake) Quiet() string {
	met := maps.Clone(s.known().worked.met)
	if met == nil {
		met = map[*FaultLife]bool{}
	}
	maps.Copy(met, s.known().called.met)
	return s.known().first(met, "nothing was submitted, no job was left to do, and no backend was called")
}

// first is the first proved fault that was not met. A fault that a script repeats is
// met where one of them is: with a load of a few operations a second, some that are
// over at once fall between two.
func (s *stake) first(met map[*FaultLife]bool, what string) string {
	repeated := map[string]bool{}
	for life := range met {
		repeated[life.Detail.Fault] = true
	}
	for _, life := range s.faults.Lives() {
		if life.InEffect.Happened() && !life.Detail.Mild && !repeated[life.Detail.Fault] {
			return fmt.Sprintf("%s while %q was in effect (from event %d): it put nothing to the test", what, life.Detail.Fault, life.Begun.Seq)
		}
	}
	return ""
}
