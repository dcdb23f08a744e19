package resilience_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/resilience"
)

const (
	failures = 5
	reset    = 30 * time.Second
)

// breaker returns one with the usual configuration, and the states that its
// callback was told of.
func breaker(told func(resilience.Change)) resilience.Breaker {
	return resilience.NewBreaker(resilience.BreakerConfig{
		Name: "compute", Failures: failures, Successes: 2, Reset: reset, Judge: judge, Changed: told,
	})
}

func nobody(resilience.Change) {}

func trip(t *testing.T, b resilience.Breaker) {
	t.Helper()
	for range failures {
		require.ErrorIs(t, b.Do(t.Context(), down), errDown)
	}
	require.Equal(t, resilience.Open, b.State())
}

// halfOpen trips a breaker and waits until it may probe.
func halfOpen(t *testing.T, b resilience.Breaker) {
	t.Helper()
	trip(t, b)
	require.NoError(t, backoff.Sleep(t.Context(), reset))
}

func TestABreakerOpensAfterFailuresInARowAndClosesAfterSuccessesInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []resilience.Change
		b := breaker(func(c resilience.Change) { told = append(told, c) })
		for range failures - 1 {
			require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		}
		require.NoError(t, b.Do(t.Context(), up), "one success, and the row begins anew")
		require.Equal(t, resilience.Closed, b.State())
		trip(t, b)

		require.NoError(t, backoff.Sleep(t.Context(), reset-1))
		err := b.Do(t.Context(), func(context.Context) error { panic("called while open") })
		require.ErrorIs(t, err, resilience.ErrOpen)
		require.ErrorContains(t, err, "compute")

		require.NoError(t, backoff.Sleep(t.Context(), 1))
		require.ErrorIs(t, b.Do(t.Context(), down), errDown, "the first probe, at reset and not later")
		require.ErrorIs(t, b.Do(t.Context(), up), resilience.ErrOpen, "a failed probe opens for another reset")

		require.NoError(t, backoff.Sleep(t.Context(), reset))
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, resilience.HalfOpen, b.State(), "one success is not enough")
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, resilience.Closed, b.State())

		require.Equal(t, []resilience.Change{
			{From: resilience.Closed, To: resilience.Open},
			{From: resilience.Open, To: resilience.HalfOpen},
			{From: resilience.HalfOpen, To: resilience.Open},
			{From: resilience.Open, To: resilience.HalfOpen},
			{From: resilience.HalfOpen, To: resilience.Closed},
		}, told)
		trip(t, b)
	})
}

func TestASuccessAndAFailureOfProbesOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(nobody)
		halfOpen(t, b)
		require.NoError(t, b.Do(t.Context(), up))
		require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		require.Equal(t, resilience.Open, b.State())
	})
}

func TestOfFiftyCallersOneIsTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(nobody)
		halfOpen(t, b)
		for probe := range 2 { // as many as it takes to close
			var passed, refused atomic.Int64
			release := make(chan struct{})
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					err := b.Do(t.Context(), func(context.Context) error {
						passed.Add(1)
						<-release
						return nil
					})
					if err != nil {
						assert.ErrorIs(t, err, resilience.ErrOpen)
						refused.Add(1)
					}
				})
			}
			synctest.Wait() // the probe is held, and all others have been refused
			require.EqualValues(t, 1, passed.Load(), "probe %d", probe)
			require.EqualValues(t, 49, refused.Load(), "probe %d", probe)
			close(release)
			callers.Wait()
		}
		require.Equal(t, resilience.Closed, b.State())
	})
}

// The same with callers that really race, over many rounds in which the probe
// fails, succeeds or gives up. It ends when all others have been refused, so
// that every call of a round meets half-open.
func TestNeverMoreThanOneProbeUnderStress(t *testing.T) {
	const callers = 50
	b := resilience.NewBreaker(resilience.BreakerConfig{
		Name: "compute", Failures: failures, Successes: 1 << 20, Reset: time.Millisecond, Judge: judge, Changed: nobody,
	})
	trip(t, b)
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	for round := range 300 {
		require.NoError(t, backoff.Sleep(t.Context(), 2*time.Millisecond))
		var passed atomic.Int64
		refused, begin := make(chan struct{}, callers), make(chan struct{})
		ctx := []context.Context{t.Context(), t.Context(), gone}[round%3]
		outcome := []error{errDown, nil, gone.Err()}[round%3]
		var running sync.WaitGroup
		for range callers {
			running.Go(func() {
				<-begin
				err := b.Do(ctx, func(context.Context) error {
					passed.Add(1)
					for range callers - 1 {
						select {
						case <-refused:
						case <-time.After(10 * time.Second):
							return errDown // counted below
						}
					}
					return outcome
				})
				if errors.Is(err, resilience.ErrOpen) {
					refused <- struct{}{}
				}
			})
		}
		close(begin)
		running.Wait()
		require.EqualValues(t, 1, passed.Load(), "round %d", round)
	}
}

func TestWhatSaysNothingAboutTheCalleeCountsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(nobody)
		gone, giveUp := context.WithCancel(t.Context())
		giveUp()
		for range 3 * failures {
			require.ErrorIs(t, b.Do(gone, func(ctx context.Context) error { return ctx.Err() }), context.Canceled)
			require.ErrorIs(t, b.Do(t.Context(), unasked), errUnasked)
		}
		require.Equal(t, resilience.Closed, b.State())

		for range failures - 1 {
			require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		}
		require.ErrorIs(t, b.Do(gone, func(ctx context.Context) error { return ctx.Err() }), context.Canceled)
		require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		require.Equal(t, resilience.Open, b.State(), "one that gave up does not begin the row anew either")

		require.NoError(t, backoff.Sleep(t.Context(), reset))
		for range 3 {
			require.ErrorIs(t, b.Do(gone, func(ctx context.Context) error { return ctx.Err() }), context.Canceled)
			require.Panics(t, func() { _ = b.Do(t.Context(), func(context.Context) error { panic("probe") }) })
			require.Equal(t, resilience.HalfOpen, b.State(), "the next caller is the probe")
		}
		require.NoError(t, b.Do(t.Context(), up))
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, resilience.Closed, b.State())
	})
}

func TestALateResultDoesNotCountInAnotherPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(nobody)
		release := make(chan error)
		var late sync.WaitGroup
		for range 20 { // begin while closed, end while half-open
			late.Go(func() {
				_ = b.Do(t.Context(), func(context.Context) error { return <-release })
			})
		}
		synctest.Wait()
		halfOpen(t, b)
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, resilience.HalfOpen, b.State())
		for range 10 {
			release <- errDown
			release <- nil
		}
		late.Wait()
		require.Equal(t, resilience.HalfOpen, b.State())
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, resilience.Closed, b.State())
	})
}

func TestTheCallbackMayUseTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b resilience.Breaker
		var told []resilience.State
		var within []error
		b = breaker(func(c resilience.Change) {
			told = append(told, c.To)
			assert.Equal(t, c.To, b.State())
			within = append(within, b.Do(t.Context(), up))
		})
		trip(t, b)
		require.NoError(t, backoff.Sleep(t.Context(), reset))
		require.NoError(t, b.Do(t.Context(), up), "the caller whose call makes it half-open is the probe")
		require.NoError(t, b.Do(t.Context(), up))
		require.Equal(t, []resilience.State{resilience.Open, resilience.HalfOpen, resilience.Closed}, told)
		require.ErrorIs(t, within[0], resilience.ErrOpen)
		require.ErrorIs(t, within[1], resilience.ErrOpen, "somebody else is the probe")
		require.NoError(t, within[2])
	})
}

// A change made within the callback is told after the one that it is told of.
func TestTheCallbackMayChangeTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b resilience.Breaker
		var told []resilience.State
		b = breaker(func(c resilience.Change) {
			if len(told) == 0 {
				assert.NoError(t, backoff.Sleep(t.Context(), reset))
				assert.NoError(t, b.Do(t.Context(), up))
				assert.NoError(t, b.Do(t.Context(), up))
			}
			told = append(told, c.To)
		})
		for range failures {
			require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		}
		require.Equal(t, []resilience.State{resilience.Open, resilience.HalfOpen, resilience.Closed}, told)
	})
}

func TestAPanicOfTheCallbackLeavesTheBreakerWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker(func(resilience.Change) { panic("callback") })
		for range failures - 1 {
			require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		}
		require.Panics(t, func() { _ = b.Do(t.Context(), down) })
		require.ErrorIs(t, b.Do(t.Context(), up), resilience.ErrOpen)
		require.NoError(t, backoff.Sleep(t.Context(), reset))
		require.Panics(t, func() { _ = b.Do(t.Context(), up) }, "told of half-open before the probe")
		require.NoError(t, b.Do(t.Context(), up))
		require.Panics(t, func() { _ = b.Do(t.Context(), up) })
		require.NoError(t, b.Do(t.Context(), up), "closed")
	})
}

func TestAHangingCallbackHoldsUpNobodyElse(t *testing.T) {
	release, called := make(chan struct{}), make(chan struct{}, 8)
	b := resilience.NewBreaker(resilience.BreakerConfig{
		Name: "compute", Failures: 1, Successes: 1, Reset: time.Hour, Judge: judge,
		Changed: func(resilience.Change) { called <- struct{}{}; <-release },
	})
	tripped := make(chan error, 1)
	go func() { tripped <- b.Do(t.Context(), down) }()
	within(t, called)
	require.ErrorIs(t, b.Do(t.Context(), up), resilience.ErrOpen)
	close(release)
	require.ErrorIs(t, within(t, tripped), errDown)
}

func TestChangesAreToldOnceInOrderAndOneAtATime(t *testing.T) {
	var telling atomic.Int32
	var told []resilience.Change // guarded by the promise that is tested here
	b := resilience.NewBreaker(resilience.BreakerConfig{
		Name: "compute", Failures: 2, Successes: 2, Reset: 100 * time.Microsecond, Judge: judge,
		Changed: func(c resilience.Change) {
			assert.EqualValues(t, 1, telling.Add(1))
			told = append(told, c)
			telling.Add(-1)
		},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for ctx.Err() == nil {
				_ = b.Do(t.Context(), func(context.Context) error {
					if rand.N(3) == 0 {
						return errDown
					}
					return nil
				})
			}
		})
	}
	callers.Wait()
	require.Greater(t, len(told), 30)
	state := resilience.Closed
	for i, c := range told {
		require.Equal(t, state, c.From, "change %d", i)
		state = c.To
	}
	require.Equal(t, b.State(), state, "the last one has been told, too")
}

func BenchmarkRefusal(b *testing.B) {
	breaker := breaker(nobody)
	for range failures {
		_ = breaker.Do(b.Context(), down)
	}
	b.ReportAllocs()
	for b.Loop() {
		_ = breaker.Do(b.Context(), up)
	}
}
