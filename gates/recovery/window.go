package recovery

import (
	"math"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// second is how long a system must be well to be called steady.
const second = time.Second

// grain is how exactly the begin of a steady second is known.
const grain = 10 * time.Millisecond

// operations are the submissions by when they were meant to be sent, and what the loads
// asked for.
type operations struct {
	counts map[int64]count         // by grain
	open   map[gates.Subject]int64 // under way: their grain
	rates  []rate                  // in the order of their begin
	loads  map[string]float64      // that run: operations a second
}

type count struct{ good, all int }

// rate is how many operations a second all loads want together from then on.
type rate struct {
	from   time.Duration
	wanted float64
}

// submission takes note of one end of an operation. One of which nothing more is heard
// is not acknowledged.
func (o *operations) submission(e *gates.Event) {
	submit, ok := e.Submit()
	if !ok {
		return
	}
	if o.counts == nil {
		o.counts, o.open = map[int64]count{}, map[gates.Subject]int64{}
	}
	subject, _ := e.Subject()
	at, known := o.open[subject]
	if !known {
		meant := submit.Intended
		if meant == 0 {
			meant = e.At
		}
		at = int64(meant / grain)
		c := o.counts[at]
		c.all++
		o.counts[at] = c
	}
	switch e.Phase {
	case history.Invoke:
		o.open[subject] = at
	case history.OK:
		c := o.counts[at]
		c.good++
		o.counts[at] = c
		delete(o.open, subject)
	default:
		delete(o.open, subject)
	}
}

func (o *operations) load(e *gates.Event) {
	if o.loads == nil {
		o.loads = map[string]float64{}
	}
	delete(o.loads, e.Actor)
	if e.Phase == history.Invoke {
		detail, _ := history.Decode[history.Load](e.Event) // without a rate nothing is wanted for certain
		o.loads[e.Actor] = detail.Rate
	}
	sum := 0.0
	for _, r := range o.loads {
		sum += r
	}
	o.rates = append(o.rates, rate{e.At, sum})
}

// wanted is how many operations the loads asked for in that time.
func (o *operations) wanted(from, to time.Duration) float64 {
	sum := 0.0
	for i, r := range o.rates {
		end := time.Duration(math.MaxInt64)
		if i+1 < len(o.rates) {
			end = o.rates[i+1].from
		}
		sum += r.wanted * max(0, (min(to, end)-max(from, r.from)).Seconds())
	}
	return sum
}

// steady is the begin of the first second from then on that is steady: of the
// operations that were meant to be sent in it, half of what the loads asked for at
// least, 99 % were acknowledged. The second is over by the limit; short says that the
// loads were over then, so that what there was of a second is judged.
func (o *operations) steady(from, limit time.Duration, short bool) (begin time.Duration, ok bool) {
	grains := make([]int64, 0, len(o.counts))
	for at := range o.counts {
		if time.Duration(at)*grain >= from {
			grains = append(grains, at)
		}
	}
	slices.Sort(grains)
	var in count
	next := 0
	for i := -1; i < len(grains); i++ {
		begin = from
		if i >= 0 {
			begin = time.Duration(grains[i]) * grain
		}
		for ; next < len(grains) && time.Duration(grains[next])*grain < begin+second; next++ {
			in.good, in.all = in.good+o.counts[grains[next]].good, in.all+o.counts[grains[next]].all
		}
		if begin+second > limit {
			break
		}
		if o.well(in, begin, begin+second) {
			return begin, true
		}
		if i >= 0 {
			in.good, in.all = in.good-o.counts[grains[i]].good, in.all-o.counts[grains[i]].all
		}
	}
	if !short {
		return 0, false
	}
	begin = max(from, limit-second)
	last := count{}
	for _, at := range grains {
		if when := time.Duration(at) * grain; when >= begin && when < limit {
			last.good, last.all = last.good+o.counts[at].good, last.all+o.counts[at].all
		}
	}
	nothing := last.all == 0 && limit-from < second
	return begin, nothing || o.well(last, begin, limit)
}

// well says whether these operations of that time are enough and were served.
func (o *operations) well(in count, from, to time.Duration) bool {
	bad := in.all - in.good
	return in.all > 0 && 100*bad <= in.all && float64(2*in.all) >= o.wanted(from, to)
}
