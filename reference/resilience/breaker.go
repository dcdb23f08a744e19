package resilience

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// State is what a breaker does with a call.
type State string

// The states of a breaker.
const (
	Closed   State = "closed"    // calls pass
	Open     State = "open"      // calls are refused
	HalfOpen State = "half-open" // one call at a time passes, as a probe
)

// Verdict is what a call has shown about its callee.
type Verdict int

// The verdicts. Silent is the zero value.
const (
	Silent  Verdict = iota // nothing, as when the caller gave up
	Healthy                // it works, whether or not its answer was welcome
	Failing                // it does not
)

// Change is a breaker's change of state.
type Change struct {
	From, To State
}

// BreakerConfig says when a breaker changes its state.
type BreakerConfig struct {
	Name      string
	Failures  int           // in a row: opens
	Successes int           // of probes, in a row: closes
	Reset     time.Duration // from opening to the first probe
	// Judge says what the error of a call shows, given the caller's context.
	Judge func(ctx context.Context, err error) Verdict
	// Changed is told of each change, by a caller's goroutine.
	Changed func(Change)
}

type breaker struct {
	config  BreakerConfig
	refusal error

	mu      sync.Mutex
	machine circuitbreaker.CircuitBreaker[any] // counts and keeps the time; its permits are not used
	period  uint64                             // grows with every change
	probing bool                               // half-open, and a probe is under way
	changes []Change                           // not told yet
	telling bool
}

// NewBreaker returns a closed breaker.
func NewBreaker(c BreakerConfig) Breaker {
	b := &breaker{config: c, refusal: fmt.Errorf("%s: %w", c.Name, ErrOpen)}
	b.machine = circuitbreaker.NewBuilder[any]().
		WithFailureThreshold(uint(c.Failures)).
		WithSuccessThreshold(uint(c.Successes)).
		WithDelay(c.Reset).
		OnStateChanged(b.turned).
		Build()
	return b
}

// Do implements Breaker.
func (b *breaker) Do(ctx context.Context, f func(context.Context) error) error {
	period, admitted := b.admit()
	if !admitted {
		return b.refusal
	}
	verdict := Silent // unless f returns
	defer func() {
		b.settle(period, verdict)
		b.tell()
	}()
	b.tell()
	err := f(ctx)
	verdict = b.config.Judge(ctx, err)
	return err
}

// State implements Breaker.
func (b *breaker) State() State { return stateOf(b.machine.State()) }

// admit says whether a call may pass, and in which period it does.
func (b *breaker) admit() (period uint64, admitted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.machine.IsOpen() && b.machine.RemainingDelay() == 0 {
		b.machine.HalfOpen()
	}
	switch b.machine.State() {
	case circuitbreaker.ClosedState:
		return b.period, true
	case circuitbreaker.HalfOpenState:
		if !b.probing {
			b.probing = true
			return b.period, true
		}
	}
	return 0, false
}

// settle takes the verdict of a call into account, if its period is not over.
func (b *breaker) settle(period uint64, v Verdict) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if period != b.period {
		return
	}
	b.probing = false
	switch v {
	case Healthy:
		b.machine.RecordSuccess()
	case Failing:
		b.machine.RecordFailure()
	}
}

// turned is called by the machine, and so with the lock held.
func (b *breaker) turned(e circuitbreaker.StateChangedEvent) {
	b.period++
	b.probing = false
	b.changes = append(b.changes, Change{From: stateOf(e.OldState), To: stateOf(e.NewState)})
}

// tell tells of the changes that nobody is telling of yet.
func (b *breaker) tell() {
	for {
		c, ok := b.untold()
		if !ok {
			return
		}
		b.tellOf(c)
	}
}

func (b *breaker) untold() (c Change, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.telling || len(b.changes) == 0 {
		return Change{}, false
	}
	c, b.changes, b.telling = b.changes[0], b.changes[1:], true
	return c, true
}

func (b *breaker) tellOf(c Change) {
	defer func() {
		b.mu.Lock()
		b.telling = false
		b.mu.Unlock()
	}()
	b.config.Changed(c)
}

func stateOf(s circuitbreaker.State) State {
	switch s {
	case circuitbreaker.ClosedState:
		return Closed
	case circuitbreaker.OpenState:
		return Open
	}
	return HalfOpen
}
