package engine

import (
	"context"
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

// Poll calls check until it returns nil. When the time is over the last error
// is returned in an *ExpiredError; when ctx ends, the context's.
func Poll(ctx context.Context, within time.Duration, check func() error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (still: %w)", ctx.Err(), err)
		case <-deadline.C:
			return &ExpiredError{After: within, Err: err}
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
