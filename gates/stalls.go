package gates

import (
	"cmp"
	"fmt"
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
	stalls []stall
}

// stall is a time in which the harness did not get to run, or hardly did: several
// stalls with less time between them than they took are one, as leases see it.
type stall struct {
	Window
	parts []Window
}

// NewStalls follows the stalls of a drill of a system with that settle time.
func NewStalls(h history.Header) Stalls { return Stalls{settle: max(0, h.Settle)} }

// Observe takes note of a stall.
func (s *Stalls) Observe(e *history.Event) {
	if e.Op != history.OpStall {
		return
	}
	detail, err := history.Decode[history.Stall](e)
	if err != nil || detail.Took <= 0 {
		return
	}
	now := Window{From: max(0, e.At-detail.Took), To: e.At}
	if n := len(s.stalls); n > 0 && now.From-s.stalls[n-1].To < now.To-now.From {
		last := &s.stalls[n-1]
		last.To, last.parts = now.To, append(last.parts, now)
		return
	}
	s.stalls = append(s.stalls, stall{Window: now, parts: []Window{now}})
}

// Within is by how much the harness may have lengthened what was measured in that
// window: by its own stalls and, where one was so long that it may have cost the
// system a lease, by the settle time that follows it. Time that several of them
// explain counts once.
func (s *Stalls) Within(w Window) time.Duration {
	var all time.Duration
	next := Never // the begin of what was counted last: they come from the last on
	count := func(part Window) {
		part.To = min(part.To, next)
		all += part.overlap(w)
		next = min(next, part.From)
	}
	for _, stall := range slices.Backward(s.stalls) {
		end := later(stall.To, s.settle)
		if end < w.From {
			break // so are all before it
		}
		if s.costsLeases(stall) {
			count(Window{From: stall.To, To: end})
		}
		for _, part := range slices.Backward(stall.parts) {
			count(part)
		}
	}
	return all
}

// costsLeases says whether a lease may have run out over the stall. The settle
// time is the longest lease with all that follows it; half a lease is what a
// holder that stands down early allows itself.
func (s *Stalls) costsLeases(stall stall) bool { return stall.To-stall.From >= s.settle/4 }

// reached says whether a moment lies in a stall of that length or more, or within
// the time behind it in which its consequences may still come.
func (s *Stalls) reached(at, least, behind time.Duration) bool {
	return slices.ContainsFunc(s.stalls, func(stall stall) bool {
		return stall.To-stall.From >= least && stall.From <= at && at <= later(stall.To, behind)
	})
}

// longest is how long the longest stall was; 0 where there was none.
func (s *Stalls) longest() (longest stall) {
	for _, stall := range s.stalls {
		if stall.To-stall.From > longest.To-longest.From {
			longest = stall
		}
	}
	return longest
}

// Tell says that the harness stood still, and for how long.
func (s *Stalls) Tell() string {
	if len(s.stalls) == 0 {
		return ""
	}
	longest := s.longest()
	return fmt.Sprintf("the harness itself stood still, for %s at the longest (until %s)",
		FormatDuration(longest.To-longest.From), FormatDuration(longest.To))
}

// clock finds out when an event happened, to a twentieth of a second.
type clock struct {
	marks     []Moment
	snapshots map[uint64]bool
}

const tick = 50 * time.Millisecond

func (c *clock) observe(e *history.Event) {
	if n := len(c.marks); n == 0 || e.At-c.marks[n-1].At >= tick {
		c.marks = append(c.marks, Moment{At: e.At, Seq: e.Seq})
	}
	if e.Op == history.OpSnapshot {
		if c.snapshots == nil {
			c.snapshots = map[uint64]bool{}
		}
		c.snapshots[e.Seq] = true
	}
}

// at is when an event happened at the latest.
func (c *clock) at(seq uint64) time.Duration {
	i, exact := slices.BinarySearchFunc(c.marks, seq, func(m Moment, seq uint64) int { return cmp.Compare(m.Seq, seq) })
	switch {
	case exact:
		return c.marks[i].At
	case i == 0:
		return 0
	}
	return c.marks[i-1].At + tick
}

// later is a time that much later, and the end of all times at the latest.
func later(at, by time.Duration) time.Duration {
	if by > Never-at {
		return Never
	}
	return at + by
}

// Disturb says whether a stall that reached into the window may have cost the
// system a lease, or had a call given up and sent again.
func (s *Stalls) Disturb(w Window) bool {
	return slices.ContainsFunc(s.stalls, func(stall stall) bool { return stall.To-stall.From >= s.settle/8 && stall.overlap(w) > 0 })
}
