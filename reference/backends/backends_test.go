package backends_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/resilience"
)

func TestABreakerTripsFailsFastProbesAndRecovers(t *testing.T) {
	const reset = time.Second
	w := newWorld(t, func(c *backends.Config) { c.Reset = reset })
	w.trip(t, backends.Compute)
	opened := time.Now()
	compute := w.places[backends.Compute]
	require.Len(t, compute.calls(), 5, "each call was sent once")

	for range 100 {
		err := w.call(t.Context(), backends.Compute, "refused")
		require.ErrorIs(t, err, resilience.ErrOpen)
		require.True(t, effects.Temporary(err))
	}
	require.ErrorIs(t, w.Ping(t.Context(), backends.Compute), resilience.ErrOpen, "a ping passes the breaker, too")
	require.Less(t, time.Since(opened), reset, "refusals wait for nothing")
	require.Len(t, compute.calls(), 5)

	require.NoError(t, backoff.Sleep(t.Context(), reset-time.Since(opened)))
	require.NotErrorIs(t, w.call(t.Context(), backends.Compute, "probe"), resilience.ErrOpen)
	require.Len(t, compute.calls(), 6, "a probe that fails")
	require.ErrorIs(t, w.call(t.Context(), backends.Compute, "refused"), resilience.ErrOpen)

	compute.answer(0)
	healed := time.Now()
	eventually(t, "recovers", func() bool { return w.Ping(t.Context(), backends.Compute) == nil })
	require.NoError(t, w.call(t.Context(), backends.Compute, "second probe"))
	require.Less(t, time.Since(healed), 2*reset, "recovery takes one reset")
	require.True(t, w.shows(`breaker_state{backend="compute",state="closed"} 1`))
	require.True(t, w.shows(`breaker_changes_total{backend="compute",state="open"} 2`))
	require.True(t, w.shows(`backend_calls_total{backend="compute",outcome="failed"} 6`))
	require.True(t, w.shows(`backend_calls_total{backend="compute",outcome="open"} 101`))
	require.True(t, w.shows(`backend_calls_total{backend="compute",outcome="accepted"} 1`))
}

func TestBreakersAreIndependent(t *testing.T) {
	for _, broken := range all {
		t.Run(string(broken), func(t *testing.T) {
			w := newWorld(t)
			w.places[broken].answer(http.StatusServiceUnavailable)
			eventually(t, "opens", func() bool {
				return w.call(t.Context(), broken, "k") != nil && w.shows(`breaker_state{backend="`+string(broken)+`",state="open"} 1`)
			})
			for _, name := range all {
				if name != broken {
					require.NoError(t, w.call(t.Context(), name, "k"))
					require.NoError(t, w.Ping(t.Context(), name))
				}
			}
		})
	}
}

func TestABackendThatHangsCostsItsTimeoutAndOpens(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) {
		c.Short, c.Long, c.Reset = 50*time.Millisecond, 200*time.Millisecond, time.Hour
	})
	for name, timeout := range map[backends.Name]time.Duration{
		backends.Compute: 200 * time.Millisecond, backends.Storage: 200 * time.Millisecond, backends.Network: 50 * time.Millisecond,
	} {
		w.places[name].answer(hang)
		began := time.Now()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() { assert.ErrorIs(t, w.call(t.Context(), name, "k"), context.DeadlineExceeded) })
		}
		callers.Wait()
		require.GreaterOrEqual(t, time.Since(began), timeout)
		require.ErrorIs(t, w.call(t.Context(), name, "k"), resilience.ErrOpen)
	}
}

func TestOneSaturatedBackendDoesNotSlowAnother(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Long = 20 * time.Second })
	for name, slots := range map[backends.Name]int{backends.Compute: 20, backends.Storage: 10} {
		w.places[name].answer(hang)
		ctx, release := context.WithCancel(t.Context())
		var holders sync.WaitGroup
		for range slots {
			holders.Go(func() { assert.Error(t, w.call(ctx, name, "hangs")) })
		}
		eventually(t, "all slots are taken", func() bool { return len(w.places[name].calls()) == slots })

		began := time.Now()
		err := w.call(t.Context(), name, "one too many")
		require.ErrorIs(t, err, resilience.ErrSaturated)
		require.ErrorContains(t, err, string(name))
		require.True(t, effects.Temporary(err))
		require.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond, "it has waited")
		require.Less(t, time.Since(began), time.Second)
		require.NoError(t, w.Ping(t.Context(), name), "a ping takes no slot")
		began = time.Now()
		for range 50 {
			require.NoError(t, w.call(t.Context(), backends.Network, "k"))
		}
		require.Less(t, time.Since(began), time.Second)

		release()
		holders.Wait()
		w.places[name].answer(0)
		require.NoError(t, w.call(t.Context(), name, "k"), "callers that give up open no breaker, and free their slots")
	}
}

func TestBackendsWithoutABulkheadTakeAllCalls(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Short = 20 * time.Second })
	for _, name := range []backends.Name{backends.DNS, backends.LoadBalancer} {
		w.places[name].answer(hang)
		ctx, release := context.WithCancel(t.Context())
		var callers sync.WaitGroup
		for range 40 {
			callers.Go(func() { assert.Error(t, w.call(ctx, name, "hangs")) })
		}
		eventually(t, "all have arrived", func() bool { return len(w.places[name].calls()) == 40 })
		release()
		callers.Wait()
	}
}

func TestOnlySomeCallsAreTriedAgainAndExactlyAsOftenAsConfigured(t *testing.T) {
	for _, attempts := range []int{1, 3, 4} {
		w := newWorld(t, func(c *backends.Config) { c.Attempts = attempts })
		for _, name := range all {
			p := w.places[name]
			p.answer(http.StatusServiceUnavailable)
			require.Error(t, w.Ping(t.Context(), name))
			require.Equal(t, 1, p.pings, "pings are not tried again")
			require.Error(t, w.call(t.Context(), name, "k"))
			var tried []int
			for _, e := range p.calls() {
				require.Equal(t, "k", e.Key)
				tried = append(tried, e.Attempt)
			}
			want := []int{7} // the attempt that it came with
			if name == backends.DNS || name == backends.LoadBalancer {
				want = []int{1, 2, 3, 4}[:attempts]
			}
			require.Equal(t, want, tried, "%s, %d attempts", name, attempts)
		}
	}
}

func TestTriesEndWhenTheBreakerOpens(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Attempts = 20 })
	w.places[backends.DNS].answer(http.StatusServiceUnavailable)
	require.ErrorIs(t, w.call(t.Context(), backends.DNS, "k"), resilience.ErrOpen)
	require.Len(t, w.places[backends.DNS].calls(), 15)
}

func TestWhatIsNotTheBackendsFaultOpensNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		err    error
		label  string
	}{
		{"stale", http.StatusConflict, effects.ErrStale, "stale"},
		{"refused", http.StatusUnprocessableEntity, effects.ErrRefused, "refused"},
		{"given up", hang, context.DeadlineExceeded, "cancelled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for _, name := range []backends.Name{backends.Compute, backends.DNS} {
				w.places[name].answer(c.status)
				for range 12 {
					ctx, cancel := t.Context(), func() {}
					if c.status == hang {
						ctx, cancel = context.WithTimeout(ctx, 5*time.Millisecond)
					}
					require.ErrorIs(t, w.call(ctx, name, "k"), c.err)
					cancel()
				}
				require.True(t, w.shows(`breaker_state{backend="`+string(name)+`",state="closed"} 1`))
				require.True(t, w.shows(`backend_calls_total{backend="`+string(name)+`",outcome="`+c.label+`"} 12`), "each was one call")
				w.places[name].answer(0)
				require.NoError(t, w.call(t.Context(), name, "k"))
			}
		})
	}
}

func TestOfFiftyCallersOneReachesAHalfOpenBackend(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Reset = 50 * time.Millisecond })
	w.trip(t, backends.Compute)
	compute := w.places[backends.Compute]
	compute.answer(hang)
	require.NoError(t, backoff.Sleep(t.Context(), 60*time.Millisecond))
	before := len(compute.calls())
	ctx, release := context.WithCancel(t.Context())
	refused := make(chan error, 50)
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() { refused <- w.call(ctx, backends.Compute, "k") })
	}
	for range 49 {
		require.ErrorIs(t, <-refused, resilience.ErrOpen)
	}
	eventually(t, "the probe arrives", func() bool { return len(compute.calls()) == before+1 })
	release()
	callers.Wait()
	require.Len(t, compute.calls(), before+1)
}

func TestAnUnknownBackendIsRefusedForGood(t *testing.T) {
	w := newWorld(t)
	require.ErrorIs(t, w.call(t.Context(), "mainframe", "k"), effects.ErrRefused)
	require.ErrorIs(t, w.Ping(t.Context(), "mainframe"), effects.ErrRefused)
}

func TestAMistakeInTheConfigurationIsTold(t *testing.T) {
	c := backends.Defaults()
	c.URLs = map[backends.Name]string{backends.Compute: "http://localhost", "mainframe": "http://localhost"}
	_, err := backends.New(c)
	for _, part := range []string{"network has no URL", "storage has no URL", "dns has no URL", "loadbalancer has no URL", `no backend "mainframe"`} {
		require.ErrorContains(t, err, part)
	}
}

// BenchmarkRefused is a whole call that is refused by an open breaker.
func BenchmarkRefused(b *testing.B) {
	w := newWorld(b, func(c *backends.Config) { c.Reset = time.Hour })
	w.run(b)
	w.trip(b, backends.Compute)
	ctx, e := b.Context(), effects.Effect{Subject: "k", Key: "k", Kind: effects.Once}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Call(ctx, backends.Compute, e)
	}
}
