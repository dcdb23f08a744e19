package gates

import (
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// unnoticed is how long it may take until a backend notices that a sender has hung
// up, or the harness that one has ended. Until then a call is held whose sender may
// have sent another, or whose work others may have taken over.
const unnoticed = 100 * time.Millisecond

// Flights counts how many calls are in flight at once, as their sender must see
// it: a call is in flight from its arrival to its end, or until its sender has
// hung up or ended. A call that was given up counts no more in the last tenth of
// a second before that was noticed.
type Flights struct {
	open    map[uint64]Moment // when the calls arrived, by number
	recent  []crowd           // those that a hanging up may still thin out
	most    crowd             // of all others
	arrived int
}

// crowd is how many calls were in flight when one arrived.
type crowd struct {
	Moment
	n int
}

// Observe takes note of an event of a call.
func (f *Flights) Observe(phase history.Phase, call uint64, now Moment) {
	f.settle(now.At)
	switch phase {
	case history.Invoke:
		f.arrive(call, now)
	case history.Info:
		f.leave(call, 0)
	default:
		delete(f.open, call)
	}
}

func (f *Flights) arrive(call uint64, now Moment) {
	if f.open == nil {
		f.open = map[uint64]Moment{}
	}
	f.open[call] = now
	f.arrived++
	f.recent = append(f.recent, crowd{now, len(f.open)})
}

// Died takes note that the sender of a call has ended, of whom the event heard
// was the last that it did. That, too, is noticed late: others may have known
// before. What arrived before it was last heard of found it alive.
func (f *Flights) Died(call, heard uint64, now Moment) {
	f.settle(now.At)
	f.leave(call, heard)
}

// leave has a call not have been in flight since, unless that is long ago.
func (f *Flights) leave(call, since uint64) {
	arrived, open := f.open[call]
	if !open {
		return
	}
	delete(f.open, call)
	since = max(since, arrived.Seq)
	for i := range f.recent {
		if f.recent[i].Seq > since {
			f.recent[i].n--
		}
	}
}

// settle takes the crowds as they are that are too old to be thinned out.
func (f *Flights) settle(now time.Duration) {
	old := 0
	for old < len(f.recent) && f.recent[old].At < now-unnoticed {
		f.most = larger(f.most, f.recent[old])
		old++
	}
	f.recent = f.recent[old:]
}

func larger(a, b crowd) crowd {
	if b.n > a.n {
		return b
	}
	return a
}

// Arrived is how many calls have arrived.
func (f *Flights) Arrived() int { return f.arrived }

// Most is how many calls were in flight at once, and the arrival at which that
// was first seen. While the record is still written, the last tenth of a second
// is left out.
func (f *Flights) Most(ended bool) (n int, seq uint64) {
	most := f.most
	if ended {
		for _, c := range f.recent {
			most = larger(most, c)
		}
	}
	return most.n, most.Seq
}
