package defects

import (
	"context"
	"errors"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/resilience"
)

func refusalSlow() Defect {
	return Defect{
		Name:      "refusal-slow",
		Wrong:     "an open breaker lets its caller wait, in case it closes meanwhile, before it refuses",
		Origin:    ownGuard,
		Symptom:   "calls to a backend that is known to be bad cost their callers time",
		Gate:      "fail_fast",
		Scenarios: []string{"breaker-trip-recover"},
		Break:     breakersBy(func(b resilience.Breaker) resilience.Breaker { return hopeful{b} }),
	}
}

type hopeful struct{ resilience.Breaker }

// Do refuses late.
func (b hopeful) Do(ctx context.Context, f func(context.Context) error) error {
	err := b.Breaker.Do(ctx, f)
	if errors.Is(err, resilience.ErrOpen) {
		if cause := backoff.Sleep(ctx, 20*time.Millisecond); cause != nil {
			return errors.Join(err, cause)
		}
	}
	return err
}
