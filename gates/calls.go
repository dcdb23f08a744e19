package gates

import (
	"strings"

	"github.com/drillrun/drillrun/drills/history"
)

// Calls follows the calls to backends, each from its arrival to its end.
type Calls struct {
	open map[callNumber]*Call // until they are answered
}

type callNumber struct {
	actor  string
	number uint64
}

// Call is one call to a backend.
type Call struct {
	CallKey
	Effect  history.Effect // its outcome is empty until it is known
	Arrived Moment
	Over    Moment // answered, or given up by its sender before that
}

// CallKey is what the tries of one call have in common.
type CallKey struct {
	Backend string
	Replica string
	Key     string
}

// Observe takes note of an event in the life of a call and returns that call;
// nil for any other event, and for the end of a call that was not seen to
// arrive. A phase info says that the sender has hung up: the call is over then,
// and its outcome may still come.
func (c *Calls) Observe(e *Event) *Call {
	effect, ok := e.Call()
	if !ok {
		return nil
	}
	number, now := callNumber{e.Actor, effect.Call}, Moment{At: e.At, Seq: e.Seq}
	if e.Phase == history.Invoke {
		call := &Call{
			CallKey: CallKey{Backend: strings.TrimPrefix(e.Actor, BackendPrefix), Replica: effect.Replica, Key: e.Key},
			Effect:  *effect, Arrived: now,
		}
		if c.open == nil {
			c.open = map[callNumber]*Call{}
		}
		c.open[number] = call
		return call
	}
	call := c.open[number]
	if call == nil {
		return nil
	}
	if !call.Over.Happened() {
		call.Over = now
	}
	if e.Phase != history.Info {
		call.Effect.Outcome = effect.Outcome
		delete(c.open, number)
	}
	return call
}
