package resilience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/failsafe-go/failsafe-go/bulkhead"
)

// BulkheadConfig says how many calls may run at once.
type BulkheadConfig struct {
	Name  string
	Slots int
	Wait  time.Duration // for a slot, at most
}

type slots struct {
	config  BulkheadConfig
	refusal error
	free    bulkhead.Bulkhead[any]
}

// NewBulkhead returns a bulkhead with all of its slots free.
func NewBulkhead(c BulkheadConfig) Bulkhead {
	return &slots{
		config:  c,
		refusal: fmt.Errorf("%s: %w: all %d are taken", c.Name, ErrSaturated, c.Slots),
		free:    bulkhead.New[any](uint(c.Slots)),
	}
}

// Do implements Bulkhead.
func (s *slots) Do(ctx context.Context, f func(context.Context) error) error {
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.free.ReleasePermit()
	return f(ctx)
}

func (s *slots) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return s.gone(ctx)
	}
	err := s.free.AcquirePermitWithMaxWait(ctx, s.config.Wait)
	switch {
	case errors.Is(err, bulkhead.ErrFull):
		return s.refusal
	case err != nil:
		return s.gone(ctx)
	case ctx.Err() != nil: // both were ready
		s.free.ReleasePermit()
		return s.gone(ctx)
	}
	return nil
}

func (s *slots) gone(ctx context.Context) error {
	return fmt.Errorf("%s: take a slot: %w", s.config.Name, context.Cause(ctx))
}
