package recovery

import (
	"time"

	"github.com/drillrun/drillrun/gates"
)

// struck is a leadership as a fault met it.
type struck struct {
	of   *gates.Leadership
	term uint64
	hit  bool // the fault hit its leader
}

// lead is a leadership that must act again after a heal.
type lead struct {
	struck
	regular bool         // it acts again and again, so that it must go on acting
	since   gates.Moment // its first act after the heal, or after its last long silence
	last    gates.Moment
}

// act takes note of an act of the leadership after the heal.
func (l *lead) act(now gates.Moment, settle time.Duration) {
	if !l.since.Happened() || l.regular && now.At-l.last.At > l.patience(settle) {
		l.since = now
	}
	l.last = now
}

// patience is how long it may be silent and still be taken to have a leader: one that
// lingers on a lease that it has lost falls silent for longer.
func (l *lead) patience(settle time.Duration) time.Duration {
	return max(settle, 2*l.of.Rhythm().Longest)
}

// led is since when it has had a leader that stayed until the end.
func (l *lead) led(h *heal, end time.Duration, settle time.Duration) (since gates.Moment, ok bool) {
	switch {
	case !l.regular && l.of.Term > l.term: // whoever only says that it is there has said so
		return h.healed, true
	case !l.since.Happened():
		return since, false
	case l.regular && end-l.last.At > l.patience(settle):
		return since, false
	}
	return l.since, true
}
