package gates

import (
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Window is a stretch of time on the clock of the record.
type Window struct{ From, To time.Duration }

// overlap is how much two windows have in common.
func (w Window) overlap(other Window) time.Duration {
	return max(0, min(w.To, other.To)-max(w.From, other.From))
}

// Stalls follows the times in which the harness stood still. Its links and its
// witness stand still with it, so that a long stall cuts the system off from
// everything: what the system needs afterwards to elect a leader, or to take up
// work again, is owed to the stall as well.
type Stalls struct {
	settle time.Duration
	stalls []Window
}

// NewStalls follows the stalls in a drill of a system with that settle time.
func NewStalls(settle time.Duration) Stalls { return Stalls{settle: settle} }

// Observe takes note of a stall.
func (s *Stalls) Observe(e *history.Event) {
	if e.Op != history.OpStall {
		return
	}
	if stall, err := history.Decode[history.Stall](e); err == nil {
		s.stalls = append(s.stalls, Window{From: max(0, e.At-stall.Took), To: e.At})
	}
}

// Within is by how much the harness may have lengthened what was measured in that
// window: by its own stalls and, where one was so long that it may have cost the
// system a lease, by the settle time that follows it.
func (s *Stalls) Within(w Window) time.Duration {
	var all time.Duration
	for _, stall := range s.stalls {
		all += stall.overlap(w)
		if s.costsLeases(stall) {
			all += Window{From: stall.To, To: stall.To + s.settle}.overlap(w)
		}
	}
	return min(all, max(0, w.To-w.From))
}

// costsLeases says whether a lease may have run out over the stall. The settle
// time is the longest lease with all that follows it; half a lease is what a
// holder that stands down early allows itself.
func (s *Stalls) costsLeases(stall Window) bool { return stall.To-stall.From >= s.settle/4 }

// Disturbing is the first stall that may have cost the system a lease, or had a
// call given up and sent again.
func (s *Stalls) Disturbing() (stall Window, any bool) {
	for _, stall := range s.stalls {
		if s.disturbs(stall) {
			return stall, true
		}
	}
	return Window{}, false
}

func (s *Stalls) disturbs(stall Window) bool { return stall.To-stall.From >= s.settle/8 }

// Disturb says whether a stall that reached into the window may have cost the
// system a lease, or had a call given up and sent again.
func (s *Stalls) Disturb(w Window) bool {
	return slices.ContainsFunc(s.stalls, func(stall Window) bool { return s.disturbs(stall) && stall.overlap(w) > 0 })
}
