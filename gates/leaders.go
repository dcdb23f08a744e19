package gates

import (
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Leaders follows what is done under each leadership: effects that the witness
// took, or had taken before, and calls to backends, under its newest term. What an
// older term sends is no act of the leadership.
type Leaders struct {
	faults Faults
	demand Demand
	last   Moment
	rested Moment        // the last end of a load or a drain
	asked  time.Duration // the last moment at which anything was asked for, until rested
	wanted time.Duration // with demand, until rested
	over   bool          // the record has an end
	byKey  map[string]*Leadership
	all    []*Leadership // in the order of their first acts
}

// Leadership is one leadership and what was done under it.
type Leadership struct {
	Key     string
	Term    uint64 // the newest
	Replica string // that acted last
	First   Moment // act
	Since   Moment // first act under the newest term
	Last    Moment // act

	rhythm      Rhythm
	unasked     span          // in which it acts although nothing is asked for
	independent time.Duration // the longest of these
}

// span is a time of acting while nothing is asked for.
type span struct {
	since time.Duration // when the demand ended
	first time.Duration // act
	any   bool
}

// Rhythm is how often a leadership acts by itself. A silence shows something only
// of one that acts regularly: one that acts when it is taken, and then no more, may
// be in the best of hands.
type Rhythm struct {
	calm    bool          // a pause was seen while nothing was broken
	Longest time.Duration // pause between two acts under one term while nothing was broken
	Active  time.Duration // the longest time from the first act to the last under one term
}

// Regular says whether it was seen to act again and again.
func (r Rhythm) Regular() bool { return r.calm && r.Active > 0 }

// conspicuous is how many times as long as a leadership was seen to act its silence
// may be and still be held against its rhythm: a burst of a tenth of a second says
// nothing of a silence of ten.
const conspicuous = 10

// Silent is how much of a silence shows that nobody leads: what it is longer than the
// longest pause.
func (r Rhythm) Silent(silence time.Duration) time.Duration {
	if !r.Regular() {
		return 0
	}
	return max(0, min(silence-r.Longest, conspicuous*r.Active))
}

// Act is one act of a leadership.
type Act struct {
	Of      *Leadership
	Now     Moment
	Former  Moment // the act before it; none for the first
	NewTerm bool   // it is the first under a term that superseded another
	Calm    bool   // nothing was broken since the act before it
}

// Observe takes note of faults and acts, and says whether the event is an act. What
// is done under the lease of a job is none.
func (l *Leaders) Observe(e *Event) (act Act, ok bool) {
	l.faults.Observe(e.Event)
	l.watch(e)
	effect, ok := acting(e)
	if !ok {
		return Act{}, false
	}
	of := l.byKey[effect.Leadership]
	if of == nil {
		of = &Leadership{Key: effect.Leadership}
		if l.byKey == nil {
			l.byKey = map[string]*Leadership{}
		}
		l.byKey[of.Key], l.all = of, append(l.all, of)
	}
	if effect.Term < of.Term {
		return Act{}, false
	}
	act = Act{Of: of, Now: Moment{At: e.At, Seq: e.Seq}, Former: of.Last, NewTerm: of.First.Happened() && effect.Term > of.Term}
	act.Calm = l.calm(of.Last.At, e.At, e.Header.Settle)
	of.take(effect, act)
	if !l.demand.Is() {
		of.unaskedFor(e.At, l.demand.Since)
	}
	return act, true
}

// watch follows what is asked for, and when everything comes to rest.
func (l *Leaders) watch(e *Event) {
	if !l.over {
		l.last = Moment{At: e.At, Seq: e.Seq}
	}
	l.demand.Observe(e)
	switch {
	case e.Op == history.OpEnd:
		l.over = true
	case e.Phase != history.Invoke && (e.Op == history.OpLoad || e.Op == history.OpDrain):
		l.rested, l.wanted, l.asked = l.last, l.Wanted(), e.At
		if l.demand.Any && !l.demand.Is() {
			l.asked = l.demand.Since
		}
	}
}

// Wanted is for how long something was asked for up to now: a load ran, or jobs were
// left. In a drill without a load that is all the time.
func (l *Leaders) Wanted() time.Duration {
	if !l.demand.Any {
		return l.last.At
	}
	return l.demand.Until(l.last.At)
}

// End is up to when a silence counts, and [Leaders.Wanted] then: what falls silent
// when the harness takes the system down does not count.
func (l *Leaders) End() (end Moment, wanted time.Duration) {
	if l.over && l.rested.Happened() {
		return l.rested, l.wanted
	}
	return l.last, l.Wanted()
}

// EndOf is up to when that leadership's silence counts for certain: one that was not
// seen to act but for what was asked for may rest when nothing is.
func (l *Leaders) EndOf(of *Leadership) time.Duration {
	if l.over && l.rested.Happened() && !of.Independent() {
		return l.asked
	}
	end, _ := l.End()
	return end.At
}

// enough is for how long a leadership must act while nothing is asked for to be held
// to it.
const enough = 500 * time.Millisecond

// Independent says whether it was seen to act while nothing was asked for.
func (l *Leadership) Independent() bool { return l.independent >= enough }

// unaskedFor takes note of an act while nothing is asked for, since then.
func (l *Leadership) unaskedFor(now, since time.Duration) {
	if !l.unasked.any || l.unasked.since != since {
		l.unasked = span{since: since, first: now, any: true}
	}
	l.independent = max(l.independent, now-l.unasked.first)
}

// acting is an effect or the arrival of a call by which a leadership acts.
func acting(e *Event) (effect *history.Effect, ok bool) {
	effect, ok = e.Effect()
	if ok {
		ok = effect.Outcome != history.Stale
	} else if effect, ok = e.Call(); ok {
		ok = e.Phase == history.Invoke && effect.Kind == history.KindFenced
	}
	return effect, ok && effect.Leadership != "" && !e.Leases().Is(effect.Leadership)
}

func (l *Leadership) take(effect *history.Effect, act Act) {
	if !l.First.Happened() {
		l.First = act.Now
	}
	if !l.Since.Happened() || act.NewTerm {
		l.Since = act.Now
	} else {
		l.rhythm.Active = max(l.rhythm.Active, act.Now.At-l.Since.At)
		if act.Calm {
			l.rhythm.calm, l.rhythm.Longest = true, max(l.rhythm.Longest, act.Now.At-act.Former.At)
		}
	}
	l.Term, l.Replica, l.Last = effect.Term, effect.Replica, act.Now
}

// Rhythm is how often it acts by itself, as far as it was seen.
func (l *Leadership) Rhythm() Rhythm { return l.rhythm }

// calm says whether nothing was broken in that time, nor had just been mended.
func (l *Leaders) calm(from, to, settle time.Duration) bool {
	for _, life := range l.faults.Lives() {
		begun := life.Begun.Happened() && life.Begun.At <= to
		if begun && (!life.Healed.Happened() || life.Healed.At+settle >= from) {
			return false
		}
	}
	return true
}

// All are the leaderships that acted, in the order in which they were first seen to.
func (l *Leaders) All() []*Leadership { return l.all }

// Of is the leadership of that name; nil where it was not seen to act.
func (l *Leaders) Of(key string) *Leadership { return l.byKey[key] }

// Faults are all faults so far.
func (l *Leaders) Faults() []*FaultLife { return l.faults.Lives() }
