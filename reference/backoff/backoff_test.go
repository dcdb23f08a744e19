package backoff_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backoff"
)

func TestDelayIsDrawnEvenlyFromZeroToItsBound(t *testing.T) {
	p := backoff.Policy{Base: 100 * time.Millisecond, Max: time.Second}
	for n, millis := range []int{100, 200, 400, 800, 1000, 1000} {
		bound := time.Duration(millis) * time.Millisecond
		lower, upper := 0, 0
		for range 2000 {
			d := p.Delay(n)
			require.GreaterOrEqual(t, d, time.Duration(0))
			require.LessOrEqual(t, d, bound)
			if d < bound/4 {
				lower++
			}
			if d > bound*3/4 {
				upper++
			}
		}
		require.InDelta(t, 500, lower, 150, "full jitter reaches down to zero")
		require.InDelta(t, 500, upper, 150, "full jitter reaches up to the bound")
	}
}

func TestDelayDoesNotOverflow(t *testing.T) {
	p := backoff.Policy{Base: time.Second, Max: time.Hour}
	for n := range 200 {
		require.LessOrEqual(t, p.Delay(n), time.Hour)
	}
	require.Zero(t, backoff.Policy{}.Delay(3))
}

func TestRetryStopsAtSuccessAtAPermanentErrorAndAtTheContext(t *testing.T) {
	p := backoff.Policy{Base: time.Millisecond, Max: time.Millisecond}
	temporary, permanent := errors.New("temporary"), errors.New("permanent")
	isTemporary := func(err error) bool { return errors.Is(err, temporary) }

	calls := 0
	require.NoError(t, p.Retry(t.Context(), isTemporary, func(context.Context) error {
		if calls++; calls < 3 {
			return temporary
		}
		return nil
	}))
	require.Equal(t, 3, calls)

	require.ErrorIs(t, p.Retry(t.Context(), isTemporary, func(context.Context) error { return permanent }), permanent)

	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stop")
	err := p.Retry(ctx, isTemporary, func(context.Context) error { cancel(stop); return temporary })
	require.ErrorIs(t, err, stop)
}
