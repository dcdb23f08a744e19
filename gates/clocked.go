package gates

import (
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// toldWithin is how late a stall of the harness is told: what ended in it, or just
// behind it, may be written down first.
const toldWithin = time.Second

// Clocked collects times, and tells them with the stalls of the harness taken out
// too. Make one by [NewClocked].
type Clocked struct {
	stalls  Stalls
	recent  []clocked // a stall that touched them may still be told
	sound   TimesBuilder
	stalled TimesBuilder // those that a stall touched
	best    TimesBuilder // the same ones without it
	longest time.Duration
	n       int
}

type clocked struct {
	span Window
	took time.Duration
	open bool
}

// NewClocked collects the times of a record.
func NewClocked(h history.Header) Clocked { return Clocked{stalls: NewStalls(h)} }

// Observe takes note of stalls. It is to be shown every event.
func (c *Clocked) Observe(e *history.Event) {
	c.stalls.Observe(e)
	settled := 0
	for settled < len(c.recent) && c.recent[settled].span.To < e.At-toldWithin {
		c.settle(c.recent[settled])
		settled++
	}
	c.recent = c.recent[settled:]
}

func (c *Clocked) settle(t clocked) {
	stalled := c.stalls.Within(t.span)
	if stalled == 0 {
		c.sound.Add(t.took, t.open)
		return
	}
	c.stalled.Add(t.took, t.open)
	c.best.Add(max(0, t.took-stalled), false)
}

// Add adds a time that was taken within that span of the record, which ends now; an
// open one is known from below only. It says whether it is the longest so far.
func (c *Clocked) Add(span Window, took time.Duration, open bool) (longest bool) {
	longest = c.n == 0 || took > c.longest
	if longest {
		c.longest = took
	}
	c.n++
	c.recent = append(c.recent, clocked{span, took, open})
	return longest
}

// Len is how many times were added.
func (c *Clocked) Len() int { return c.n }

// Longest is the longest time that was added.
func (c *Clocked) Longest() time.Duration { return c.longest }

// Times are those that were added so far, and what they would be at the best
// without the stalls of the harness; none where no stall touched one.
func (c *Clocked) Times() (all, best Times) {
	late := c.late()
	all = built(&c.sound, &late.sound, &c.stalled, &late.stalled)
	if c.best.Len()+late.best.Len() > 0 {
		best = built(&c.sound, &late.sound, &c.best, &late.best)
	}
	return all, best
}

// Untouched are the times that no stall of the harness touched.
func (c *Clocked) Untouched() Times {
	late := c.late()
	return built(&c.sound, &late.sound)
}

// late are the recent times, as far as is known by now.
func (c *Clocked) late() Clocked {
	late := Clocked{stalls: c.stalls}
	for _, t := range c.recent {
		late.settle(t)
	}
	return late
}

// WhyBest is why times may be shorter than they were measured.
func (c *Clocked) WhyBest() string { return c.stalls.Tell() }
