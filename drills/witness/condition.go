package witness

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Why a call was not carried out.
var (
	errImpaired = errors.New("out of service")
	errLetGo    = errors.New("out of service: it hung until it was let go of")
	errHungUp   = errors.New("the sender hung up")
)

// condition is how a backend fares: sound, or impaired on purpose.
type condition struct {
	seed, stream uint64

	mu     sync.Mutex
	is     drills.Impairment // the zero value is sound
	over   chan struct{}     // closed when what it is has ended
	draws  *rand.Rand        // which calls fail, in the order of their arrival
	closed bool
}

func newCondition(seed, stream uint64) *condition {
	return &condition{seed: seed, stream: stream, over: make(chan struct{}), draws: rand.New(rand.NewPCG(seed, stream))}
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
func (c *condition) now(key string) (is drills.Impairment, over <-chan struct{}, fails bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.is.Kind != drills.Failing:
	case c.is.ByKey && key != "":
		fails = c.lot(key) < c.is.Share
	default:
		fails = c.draws.Float64() < c.is.Share
	}
	return c.is, c.over, fails
}

// lot is the key's own draw, from 0 to 1: the same whenever the key comes.
func (c *condition) lot(key string) float64 {
	text := binary.BigEndian.AppendUint64(nil, c.seed)
	text = binary.BigEndian.AppendUint64(text, c.stream)
	sum := sha256.Sum256(append(text, key...))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}

// meet holds a call for as long as the condition asks; an error says that it
// must not take effect, and why. hold is called before a wait, and gone when the
// sender gives up during it. A late call takes effect all the same: the backend
// has it and does not care.
func (c *condition) meet(ctx context.Context, key string, hold func() error, gone func()) error {
	is, over, fails := c.now(key)
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
		late(ctx, over, is.Delay, gone)
		return nil
	}
	select {
	case <-over:
		return errLetGo
	case <-ctx.Done(): // or the connection was broken off
		gone()
		return errHungUp
	}
}

// late waits out a delay, or until the impairment is over.
func late(ctx context.Context, over <-chan struct{}, delay time.Duration, gone func()) {
	due, hungUp := time.After(delay), ctx.Done()
	for {
		select {
		case <-over:
			return
		case <-due:
			return
		case <-hungUp:
			gone()
			hungUp = nil
		}
	}
}
