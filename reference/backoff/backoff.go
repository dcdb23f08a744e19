// Package backoff spaces out retries: exponential growth with full jitter,
// so that replicas which failed together do not come back together.
package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Policy is how long to wait between attempts.
type Policy struct {
	Base time.Duration // upper bound of the first wait
	Max  time.Duration // upper bound of every wait
}

// Stores is for a store or the network being away: short, because the stores
// are few and coming back fast matters more than sparing them.
func Stores() Policy { return Policy{Base: 50 * time.Millisecond, Max: 500 * time.Millisecond} }

// Bound is the longest wait after failure n, counted from 0: Base·2ⁿ, at most
// Max.
func (p Policy) Bound(n int) time.Duration {
	if n < 32 && p.Base < p.Max>>n {
		return p.Base << n
	}
	return p.Max
}

// Delay draws the wait after failure n, counted from 0.
func (p Policy) Delay(n int) time.Duration { return Full(p.Bound(n)) }

// Full is full jitter: it draws evenly from zero to bound.
func Full(bound time.Duration) time.Duration {
	if bound <= 0 {
		return 0
	}
	return rand.N(bound + 1)
}

// Wait waits after failure n and returns the context's cause if that ends
// first.
func (p Policy) Wait(ctx context.Context, n int) error { return Sleep(ctx, p.Delay(n)) }

// Sleep waits for d and returns the context's cause if that ends first.
func Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Retry calls f until it succeeds, fails with something that is not
// temporary, or ctx ends; then it returns the last error of f, or the
// context's cause where f was never the reason.
func (p Policy) Retry(ctx context.Context, temporary func(error) bool, f func(context.Context) error) error {
	for n := 0; ; n++ {
		err := f(ctx)
		if err == nil || !temporary(err) {
			return err
		}
		if cause := p.Wait(ctx, n); cause != nil {
			return cause
		}
	}
}
