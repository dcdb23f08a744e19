package witness

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// errImpaired is what a call is told that was made to fail.
var errImpaired = errors.New("out of service")

// condition is how an endpoint fares: sound, or impaired on purpose.
type condition struct {
	mu     sync.Mutex
	is     drills.Impairment // the zero value is sound
	over   chan struct{}     // closed when what it is has ended
	draws  *rand.Rand        // which calls fail, in the order of their arrival
	closed bool
}

func newCondition(seed, stream uint64) *condition {
	return &condition{over: make(chan struct{}), draws: rand.New(rand.NewPCG(seed, stream))}
}

// become ends what was and lets go of the calls that it held.
func (c *condition) become(i drills.Impairment) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed && i.Kind != "" {
		return errClosed
	}
	c.turn(i)
	return nil
}

// close lets go of every call, and lets nothing be impaired again.
func (c *condition) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.turn(drills.Impairment{})
}

func (c *condition) turn(i drills.Impairment) {
	close(c.over)
	c.is, c.over = i, make(chan struct{})
}

// now is the condition that a call meets: what is wrong, when that is over, and
// whether the call is one of those that fail.
func (c *condition) now() (is drills.Impairment, over <-chan struct{}, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.is, c.over, c.is.Kind == drills.Failing && c.draws.Float64() < c.is.Share
}

// meet holds a call for as long as the condition asks; an error says that it
// must not take effect. hold is called before a wait. A late call takes effect
// even if its sender has given up: the backend has it and does not know.
func (c *condition) meet(ctx context.Context, hold func() error) error {
	is, over, fails := c.now()
	if fails {
		return errImpaired
	}
	if is.Kind != drills.Slow && is.Kind != drills.Hanging {
		return nil
	}
	if err := hold(); err != nil {
		return err
	}
	if is.Kind == drills.Slow {
		select {
		case <-over:
		case <-time.After(is.Delay):
		}
		return nil
	}
	select {
	case <-over:
	case <-ctx.Done(): // the sender has gone, or the connection was broken off
	}
	return errImpaired
}
