package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
)

// RetryConfig says how often and how soon a call is tried again.
type RetryConfig struct {
	Name     string
	Attempts int            // calls in all, at least 1
	Backoff  backoff.Policy // the bounds of the waits
	// Jitter draws a wait, given its bound.
	Jitter func(bound time.Duration) time.Duration
	// Temporary says whether trying again can help. Nobody is asked about refusals.
	Temporary func(error) bool
}

type retry struct{ config RetryConfig }

// NewRetry returns a retry.
func NewRetry(c RetryConfig) Retry { return retry{c} }

// Do implements Retry.
func (r retry) Do(ctx context.Context, f func(ctx context.Context, attempt int) error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: not tried: %w", r.config.Name, context.Cause(ctx))
	}
	for attempt := 1; ; attempt++ {
		err := f(ctx, attempt)
		if err == nil || attempt >= r.config.Attempts || !r.again(err) {
			return err
		}
		wait := r.config.Jitter(r.config.Backoff.Bound(attempt - 1))
		if cause := backoff.Sleep(ctx, wait); cause != nil {
			return fmt.Errorf("%s: tried %d times: %w, after %w", r.config.Name, attempt, cause, err)
		}
	}
}

func (r retry) again(err error) bool {
	return !errors.Is(err, ErrOpen) && !errors.Is(err, ErrSaturated) && r.config.Temporary(err)
}
