package engine

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Leader is who led a leadership last, as the witness saw it.
type Leader struct {
	Replica string
	Term    uint64
	At      time.Duration // arrival of its latest effect
	// Pace is the longest time that has lately passed between two effects of a term
	// while nothing was broken or mended; 0 where there were no two.
	Pace time.Duration
	// Lost says that a fault has taken the leadership since.
	Lost bool

	gaps []time.Duration // the latest ones
}

// paceOf is how many gaps between effects make a leadership's pace.
const paceOf = 16

// next is the leader after one more effect. A gap with a fault in it tells nothing of
// the leadership's own pace.
func (l Leader) next(effect *history.Effect, at, disturbed time.Duration) Leader {
	if effect.Term == l.Term && l.At > disturbed {
		l.gaps = append(l.gaps, at-l.At)
		l.gaps = l.gaps[max(0, len(l.gaps)-paceOf):]
		l.Pace = slices.Max(l.gaps)
	}
	l.Replica, l.Term, l.At, l.Lost = effect.Replica, effect.Term, at, false
	return l
}

// View is the engine's running summary of the history: who leads, what is
// acknowledged and still without an effect, how the load is doing. It is fed
// by the log, so that it can never know more than the gates will.
type View struct {
	mu      sync.Mutex
	leaders map[string]Leader
	leases  history.Leases      // which of them are none
	effects map[string]struct{} // subjects that took effect
	waiting map[string]struct{} // subjects acknowledged and without an effect
	ended   []ended             // operations that ended in the last second
	acked   []taken
	mended  time.Duration // when the last load or fault ended
	stalls  []stall       // since then
	broken  time.Duration // when something was broken or mended last
	stood   time.Duration // when the harness had stood still last
	err     error         // first event that could not be read
}

// taken is a submission that was acknowledged.
type taken struct{ key, subject string }

type ended struct {
	at time.Duration
	ok bool
}

// steadyWindow is how long the system must have been well to be called steady.
const steadyWindow = time.Second

// Watch returns a view of everything that is recorded from now on, until stop.
//
// The leaderships are those that the system has named, if any.
func Watch(log *history.Log, leaderships ...string) (v *View, stop func()) {
	v = &View{
		leases:  history.Leases{Leaderships: leaderships},
		leaders: map[string]Leader{},
		effects: map[string]struct{}{},
		waiting: map[string]struct{}{},
	}
	return v, log.Observe(v.observe)
}

// observe takes in one event. The log calls it in order.
func (v *View) observe(e *history.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case e.Op == history.OpEffect && e.Phase == history.OK:
		v.effect(e)
	case e.Op == history.OpSubmit && e.Phase != history.Invoke:
		v.submission(e)
	case e.Op == history.OpInject, e.Op == history.OpRecover:
		v.mended, v.stalls, v.broken = e.At, nil, e.At
		if e.Op == history.OpInject && e.Phase == history.Invoke {
			v.take(e)
		}
	case e.Op == history.OpLoad:
		v.mended, v.stalls = e.At, nil
	case e.Op == history.OpStall:
		v.stall(e)
	}
}

// take has the victims of a fault lose what they lead.
func (v *View) take(e *history.Event) {
	fault, err := history.Decode[history.Fault](e)
	if err != nil {
		v.err = err
		return
	}
	for key, l := range v.leaders {
		if !fault.Mild && slices.Contains(fault.Victims, l.Replica) && (fault.Leadership == "" || fault.Leadership == key) {
			l.Lost = true
			v.leaders[key] = l
		}
	}
}

// stall is a time in which the harness stood still.
type stall struct {
	history.Stall
	ends time.Duration
}

func (v *View) stall(e *history.Event) {
	v.stood = e.At
	detail, err := history.Decode[history.Stall](e)
	if err != nil {
		v.err = err
		return
	}
	v.stalls = append(v.stalls, stall{detail, e.At})
}

func (v *View) effect(e *history.Event) {
	effect, err := history.DecodeEffect(e)
	if err != nil {
		v.err = err
		return
	}
	if e.Err == "" { // else its key was accepted under another subject: it has not taken effect
		v.effects[effect.Subject] = struct{}{}
		delete(v.waiting, effect.Subject)
	}
	v.leases.Observe(&effect)
	if l := v.leaders[effect.Leadership]; effect.Kind == history.KindFenced && effect.Term >= l.Term {
		v.leaders[effect.Leadership] = l.next(&effect, e.At, max(v.broken, v.stood))
	}
}

func (v *View) submission(e *history.Event) {
	acknowledged := e.Phase == history.OK
	v.ended = append(v.ended, ended{e.At, acknowledged})
	cut := 0
	for cut < len(v.ended) && v.ended[cut].at < e.At-steadyWindow {
		cut++
	}
	v.ended = v.ended[cut:]
	if !acknowledged {
		return
	}
	submit, err := history.DecodeSubmit(e)
	if err != nil {
		v.err = err
		return
	}
	v.acked = append(v.acked, taken{e.Key, submit.Subject})
	if _, done := v.effects[submit.Subject]; !done && !history.Poisoned(submit.Subject) {
		v.waiting[submit.Subject] = struct{}{}
	}
}

// Err is the first event that the view could not read, if any.
func (v *View) Err() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// Leaders returns who led each leadership last. The lease of a job is none.
func (v *View) Leaders() map[string]Leader {
	v.mu.Lock()
	defer v.mu.Unlock()
	leaders := make(map[string]Leader, len(v.leaders))
	for key, l := range v.leaders {
		if !v.leases.Is(key) {
			leaders[key] = l
		}
	}
	return leaders
}

// Outstanding counts the acknowledged subjects that have no effect yet.
func (v *View) Outstanding() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.waiting)
}

// Acknowledged counts the submissions acknowledged so far.
func (v *View) Acknowledged() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.acked)
}

// taken are the submissions acknowledged so far, in the order of their keys.
func (v *View) taken() []taken {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.SortedFunc(slices.Values(v.acked), func(a, b taken) int { return strings.Compare(a.key, b.key) })
}

// Mended is the moment from which a drain counts: when the last load stopped, or the
// last fault was recovered. Each stall of the harness since then puts it off by as
// much, and one that may have cost the system a lease to its end.
func (v *View) Mended(settle time.Duration) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.mended
	for _, s := range v.stalls {
		if s.CostsLeases(settle) {
			at = s.ends
		} else {
			at += s.Took
		}
	}
	return at
}

// Disturbed is when something was broken or mended last, or the harness had stood
// still for so long that it may have cost the system a lease.
func (v *View) Disturbed(settle time.Duration) time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	at := v.broken
	for _, s := range v.stalls {
		if s.CostsLeases(settle) {
			at = max(at, s.ends)
		}
	}
	return at
}

// LoadShare returns the share of operations acknowledged among those that
// ended in the second before now, and how many there were.
func (v *View) LoadShare(now time.Duration) (share float64, n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	acknowledged := 0
	for _, e := range v.ended {
		if e.at < now-steadyWindow {
			continue
		}
		n++
		if e.ok {
			acknowledged++
		}
	}
	if n == 0 {
		return 0, 0
	}
	return float64(acknowledged) / float64(n), n
}
