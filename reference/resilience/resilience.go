package resilience

import (
	"context"
	"errors"
)

var (
	// ErrOpen says that the breaker is open and nothing was called.
	ErrOpen = errors.New("breaker is open")
	// ErrSaturated says that no slot became free in time and nothing was called.
	ErrSaturated = errors.New("no slot is free")
)

// Breaker stops calling what keeps failing.
type Breaker interface {
	// Do calls f with ctx, or refuses with ErrOpen.
	Do(ctx context.Context, f func(context.Context) error) error
	State() State
}

// Bulkhead bounds the calls that run at once.
type Bulkhead interface {
	// Do calls f with ctx in a slot, or refuses with ErrSaturated or the
	// context's cause.
	Do(ctx context.Context, f func(context.Context) error) error
}

// Retry tries a call again.
type Retry interface {
	// Do calls f, with attempt counted from 1, until it succeeds or should not be
	// called again, and returns its last error.
	Do(ctx context.Context, f func(ctx context.Context, attempt int) error) error
}

// Parts makes the parts; each can be replaced alone.
type Parts struct {
	Breaker  func(BreakerConfig) Breaker
	Bulkhead func(BulkheadConfig) Bulkhead
	Retry    func(RetryConfig) Retry
}

// Sound returns the parts of the reference.
func Sound() Parts { return Parts{Breaker: NewBreaker, Bulkhead: NewBulkhead, Retry: NewRetry} }
