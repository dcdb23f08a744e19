package isolation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// calm is how many calls arrived before any backend was bad, and since when.
type calm struct {
	n     int
	first time.Duration
}

func (c calm) add(at time.Duration) calm {
	if c.n == 0 || at < c.first {
		c.first = at
	}
	c.n++
	return c
}

// silence names the first fault of which a third went by without a call that
// arrived at a sound backend, or nearly all of it without one of a replica that had
// called often before; empty where there is none. Jobs that wait for the bad backend
// may rightly keep a replica from others for a while.
func (m *meter) silence() string {
	everybody, of, before := m.arrivals()
	for _, life := range m.faults.Lives() {
		if len(life.Backends()) == 0 || !life.InEffect.Happened() || !life.Recover.Happened() {
			continue
		}
		whole := gates.Window{From: life.InEffect.At, To: life.Recover.At}
		if gap := quietest(whole, everybody); gap > (whole.To-whole.From)/3 {
			return tell("no call", gap, whole, life)
		}
		for _, replica := range slices.Sorted(maps.Keys(before)) {
			calm := before[replica]
			gap := quietest(whole, of[replica])
			wanted := float64(calm.n) * gap.Seconds() / max(whole.From-calm.first, 1).Seconds()
			if gap > (whole.To-whole.From)*9/10 && wanted >= enough && !m.hit(replica, whole) {
				return tell("no call of "+replica, gap, whole, life)
			}
		}
	}
	return ""
}

func tell(what string, gap time.Duration, whole gates.Window, life *gates.FaultLife) string {
	return fmt.Sprintf("for %s of the %s that %q was in effect %s arrived at any backend that was well: nobody knows whether one was wanted",
		gates.FormatDuration(gap), gates.FormatDuration(whole.To-whole.From), life.Detail.Fault, what)
}

// arrivals are the calls that arrived at sound backends: of everybody and of each
// replica while one was bad, and before.
func (m *meter) arrivals() (everybody []time.Duration, of map[string][]time.Duration, before map[string]calm) {
	of, before = map[string][]time.Duration{}, map[string]calm{}
	for _, c := range m.sound() {
		for replica, at := range c.arrivals {
			everybody, of[replica] = append(everybody, at...), append(of[replica], at...)
		}
		for replica, calm := range c.calm {
			all := before[replica].add(calm.first)
			all.n += calm.n - 1
			before[replica] = all
		}
	}
	for _, at := range of {
		slices.Sort(at)
	}
	slices.Sort(everybody)
	return everybody, of, before
}

// hit says whether a fault of the replica was in effect in the window.
func (m *meter) hit(replica string, w gates.Window) bool {
	return slices.ContainsFunc(m.faults.Lives(), func(l *gates.FaultLife) bool {
		over := l.Healed.Happened() && l.Healed.At < w.From
		return l.Begun.Happened() && !over && l.Begun.At < w.To && slices.Contains(l.Detail.Victims, replica)
	})
}

// quietest is the longest time in the window without an arrival.
func quietest(w gates.Window, arrivals []time.Duration) time.Duration {
	longest, last := time.Duration(0), w.From
	for _, at := range arrivals {
		if at >= w.From && at <= w.To {
			longest, last = max(longest, at-last), at
		}
	}
	return max(longest, w.To-last)
}
