package attempts

import (
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

const (
	// aftermath is how long after its last try a call may have been cut short:
	// the next one would have come by then.
	aftermath = time.Second
	// overtaken is how long a try may be on its way that had passed the breaker
	// when that opened: the report is not sent behind it.
	overtaken = time.Second
	// unnoticed is how long behind a stall of the harness a backend may still be
	// told of what came in it.
	unnoticed = 250 * time.Millisecond
)

// cuts is what may keep a sender from trying again, with the times of it.
type cuts struct {
	faults gates.Faults
	stalls gates.Stalls
	exits  map[string][]time.Duration  // by replica
	opened map[breaker][]time.Duration // reports that it is open
}

type breaker struct{ replica, backend string }

func (c *cuts) observe(e *gates.Event) {
	c.faults.Observe(e.Event)
	c.stalls.Observe(e.Event)
	if e.Op == history.OpExit {
		if c.exits == nil {
			c.exits = map[string][]time.Duration{}
		}
		c.exits[e.Actor] = append(c.exits[e.Actor], e.At)
	}
	effect, ok := e.Effect()
	if !ok || effect.Kind != history.KindRecord {
		return
	}
	name, isBreaker := strings.CutPrefix(effect.Subject, "breaker/")
	backend, isOpen := strings.CutSuffix(name, "/open")
	if isBreaker && isOpen {
		if c.opened == nil {
			c.opened = map[breaker][]time.Duration{}
		}
		b := breaker{effect.Replica, backend}
		c.opened[b] = append(c.opened[b], e.At)
	}
}

// short says whether the call may have been cut short.
func (c *cuts) short(of *call) bool {
	from, to := of.begun.At, of.over.At+aftermath
	return within(c.exits[of.Replica], from, to) ||
		within(c.opened[breaker{of.Replica, of.Backend}], from-overtaken, to) ||
		c.hit(of.Replica, from, to) ||
		c.stalls.Within(gates.Window{From: from - unnoticed, To: to}) > 0
}

// hit says whether the replica was the victim of a fault in that time.
func (c *cuts) hit(replica string, from, to time.Duration) bool {
	return slices.ContainsFunc(c.faults.Lives(), func(life *gates.FaultLife) bool {
		healed := life.Healed.Happened() && life.Healed.At < from
		return life.Begun.Happened() && life.Begun.At <= to && !healed && slices.Contains(life.Detail.Victims, replica)
	})
}

// within says whether one of the times, which are sorted, is in the interval.
func within(times []time.Duration, from, to time.Duration) bool {
	i, _ := slices.BinarySearch(times, from)
	return i < len(times) && times[i] <= to
}
