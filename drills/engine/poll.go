package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollEvery is how often a condition is looked at.
const pollEvery = 10 * time.Millisecond

// ExpiredError says what was still missing when a wait ran out of time.
type ExpiredError struct {
	After time.Duration
	Err   error
}

func (e *ExpiredError) Error() string {
	return fmt.Sprintf("not within %v: %v", e.After, e.Err)
}

func (e *ExpiredError) Unwrap() error { return e.Err }

// ErrHopeless says that what is waited for cannot come true any more. The text of
// the errors that wrap it is the reason alone.
var ErrHopeless = errors.New("there is nothing to wait for")

// hopeless makes an error the reason why there is nothing to wait for.
func hopeless(why error) error { return &hopelessError{why} }

type hopelessError struct{ why error }

func (e *hopelessError) Error() string { return e.why.Error() }

func (e *hopelessError) Unwrap() []error { return []error{ErrHopeless, e.why} }

// Poll calls check until it returns nil, or [ErrHopeless]. When the time is over,
// the last error is returned in an *ExpiredError; when ctx ends, the context's.
// Only time in which the harness ran is counted.
func (d *Drill) Poll(ctx context.Context, within time.Duration, check func() error) error {
	return poll(ctx, d.cfg.Pulse.Stalled, within, check)
}

func poll(ctx context.Context, stalled func() time.Duration, within time.Duration, check func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	before, end := stalled(), time.Now().Add(within)
	for {
		err := check()
		if err == nil || errors.Is(err, ErrHopeless) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (still: %w)", ctx.Err(), err)
		case <-deadline.C:
			lost := stalled() - before
			if lost == 0 {
				return &ExpiredError{After: within, Err: err}
			}
			before, end = before+lost, end.Add(lost)
			deadline.Reset(time.Until(end))
		case <-tick.C:
		}
	}
}

// Pause waits for a time, or for the end of ctx.
func Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
