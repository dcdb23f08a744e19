package resilience_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/resilience"
)

func retry(attempts int, jitter func(time.Duration) time.Duration) resilience.Retry {
	return resilience.NewRetry(resilience.RetryConfig{
		Name: "dns", Attempts: attempts, Jitter: jitter,
		Backoff:   backoff.Policy{Base: 100 * time.Millisecond, Max: 300 * time.Millisecond},
		Temporary: func(err error) bool { return !errors.Is(err, errUnasked) },
	})
}

func longest(bound time.Duration) time.Duration { return bound }

func TestACallIsTriedExactlyAsOftenAsConfigured(t *testing.T) {
	for attempts := 1; attempts <= 6; attempts++ {
		synctest.Test(t, func(t *testing.T) {
			var tried []int
			err := retry(attempts, backoff.Full).Do(t.Context(), func(_ context.Context, attempt int) error {
				tried = append(tried, attempt)
				return fmt.Errorf("%d: %w", attempt, errDown)
			})
			require.ErrorIs(t, err, errDown)
			require.ErrorContains(t, err, fmt.Sprint(attempts), "the last error")
			require.Len(t, tried, attempts)
			for i, attempt := range tried {
				require.Equal(t, i+1, attempt)
			}
		})
	}
}

func TestTriesEndWithSuccessAndWithWhatTryingCannotHelp(t *testing.T) {
	for _, c := range []struct {
		name  string
		err   error
		tries int
	}{
		{"success", nil, 2},
		{"not temporary", errUnasked, 2},
		{"refused by the breaker", fmt.Errorf("dns: %w", resilience.ErrOpen), 2},
		{"refused by the bulkhead", fmt.Errorf("dns: %w", resilience.ErrSaturated), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				err := retry(5, backoff.Full).Do(t.Context(), func(context.Context, int) error {
					if tries++; tries == 1 {
						return errDown
					}
					return c.err
				})
				require.Equal(t, c.err, err)
				require.Equal(t, c.tries, tries)
			})
		})
	}
}

func TestNothingIsTriedOnceTheContextHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("told to stop")
		tries := 0
		fail := func(context.Context, int) error { tries++; return errDown }

		gone, giveUp := context.WithCancelCause(t.Context())
		giveUp(why)
		require.ErrorIs(t, retry(5, longest).Do(gone, fail), why)
		require.Zero(t, tries)

		during, giveUp := context.WithCancelCause(t.Context())
		err := retry(5, longest).Do(during, func(context.Context, int) error { tries++; giveUp(why); return errDown })
		require.ErrorIs(t, err, errDown)
		require.Equal(t, 1, tries)

		waiting, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		tries = 0
		began := time.Now()
		err = retry(5, longest).Do(waiting, fail)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errDown)
		require.Equal(t, 1, tries)
		require.Equal(t, 50*time.Millisecond, time.Since(began))
	})
}

func TestWaitsGrowToTheirBoundAndAreDrawnEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var bounds []time.Duration
		const attempts, n = 5, 1000
		below := make([]int, attempts-1)
		for range n {
			bounds = bounds[:0]
			var waited []time.Duration
			ended := time.Now()
			r := retry(attempts, func(bound time.Duration) time.Duration {
				bounds = append(bounds, bound)
				return backoff.Full(bound)
			})
			require.ErrorIs(t, r.Do(t.Context(), func(_ context.Context, attempt int) error {
				if attempt > 1 {
					waited = append(waited, time.Since(ended))
				}
				ended = time.Now()
				return errDown
			}), errDown)
			for i, d := range waited {
				require.LessOrEqual(t, d, bounds[i])
				if d < bounds[i]/2 {
					below[i]++
				}
			}
		}
		for i, millis := range []int{100, 200, 300, 300} {
			require.Equal(t, time.Duration(millis)*time.Millisecond, bounds[i])
			require.InDelta(t, n/2, below[i], n/10, "the share below half the bound is between 40% and 60%")
		}
	})
}
