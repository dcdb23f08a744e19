package backends_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/resilience"
)

func TestChangesAreReportedInOrderAndDurationsInBatches(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Reset = time.Second })
	stop := w.run(t)
	const refusals = 600
	w.trip(t, backends.Compute)
	for range refusals {
		require.ErrorIs(t, w.call(t.Context(), backends.Compute, "k"), resilience.ErrOpen)
	}
	w.places[backends.Compute].answer(0)
	eventually(t, "the first probe", func() bool { return w.Ping(t.Context(), backends.Compute) == nil })
	require.NoError(t, w.call(t.Context(), backends.Compute, "k"))
	require.NoError(t, w.call(t.Context(), backends.Compute, "k"))
	eventually(t, "the changes are reported at once", func() bool { return len(w.witness.calls()) == 3 })
	stop()

	keys := make(map[string]bool)
	for i, state := range []string{"open", "half-open", "closed"} {
		e := w.witness.calls()[i]
		require.Equal(t, "breaker/compute/"+state, e.Subject)
		require.Equal(t, effects.Record, e.Kind)
		require.True(t, strings.HasPrefix(e.Key, e.Subject+"/replica-1/"), e.Key)
		keys[e.Key] = true
	}
	require.Len(t, keys, 3)

	counts := make(map[string]int)
	for _, d := range w.witness.measured() {
		require.LessOrEqual(t, len(d.Took), 256)
		require.NotEmpty(t, d.Took)
		for _, took := range d.Took {
			require.Positive(t, took)
			require.Less(t, took, time.Second)
		}
		counts[d.What+" "+d.Subject] += len(d.Took)
	}
	require.Equal(t, map[string]int{"refused compute": refusals, "call compute": 7}, counts, "the end flushes; pings are not measured")
}

func TestDurationsOfWhatDidNotReachItsBackendAreNotOfCalls(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Long = 20 * time.Second })
	stop := w.run(t)
	w.places[backends.Storage].answer(hang)
	ctx, release := context.WithCancel(t.Context())
	var holders sync.WaitGroup
	for range 10 {
		holders.Go(func() { assert.Error(t, w.call(ctx, backends.Storage, "hangs")) })
	}
	eventually(t, "all slots are taken", func() bool { return len(w.places[backends.Storage].calls()) == 10 })
	require.ErrorIs(t, w.call(t.Context(), backends.Storage, "k"), resilience.ErrSaturated)
	release()
	holders.Wait()
	stop()
	require.Empty(t, w.witness.measured(), "neither saturated nor given up")
}

// A call that waited for a slot while the breaker opened says nothing about how
// fast refusals are.
func TestACallThatWaitedForItsSlotIsNoRefusal(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Long, c.Wait, c.Reset = time.Second, 10*time.Second, time.Hour })
	stop := w.run(t)
	w.places[backends.Storage].answer(hang)
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() { assert.ErrorIs(t, w.call(t.Context(), backends.Storage, "hangs"), context.DeadlineExceeded) })
	}
	eventually(t, "all slots are taken", func() bool { return len(w.places[backends.Storage].calls()) == 10 })
	// Slots that are given back before the fifth failure let some go on to hang.
	outcomes := make(chan error, 20)
	for range 20 {
		callers.Go(func() { outcomes <- w.call(t.Context(), backends.Storage, "waits") })
	}
	callers.Wait()
	open := 0
	for range 20 {
		if errors.Is(<-outcomes, resilience.ErrOpen) {
			open++
		}
	}
	require.Positive(t, open)
	require.ErrorIs(t, w.call(t.Context(), backends.Storage, "k"), resilience.ErrOpen)
	stop()
	refused := 0
	for _, d := range w.witness.measured() {
		if d.What == "refused" {
			refused += len(d.Took)
		}
	}
	require.Equal(t, 1, refused)
}

func TestWhileTheWitnessIsAwayReportsWaitWithinBounds(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Reset = time.Hour })
	w.witness.answer(http.StatusServiceUnavailable)
	stop := w.run(t)
	names := []backends.Name{backends.Storage, backends.Network, backends.Compute}
	for _, name := range names {
		w.trip(t, name)
	}
	const refusals, most = 3000, 1000
	for range refusals {
		require.ErrorIs(t, w.call(t.Context(), backends.Compute, "k"), resilience.ErrOpen)
	}
	require.True(t, w.shows(fmt.Sprintf(`dropped_total{what="durations"} %d`, refusals-most)))
	eventually(t, "it is tried again", func() bool { return len(w.witness.calls()) > 2 })
	for _, e := range w.witness.calls() {
		require.Equal(t, "breaker/storage/open", e.Subject, "nothing overtakes")
	}

	w.witness.answer(0)
	eventually(t, "everything arrives", func() bool {
		n := 0
		for _, d := range w.witness.measured() {
			n += len(d.Took)
		}
		return n == most+15
	})
	stop()
	calls := w.witness.calls()
	for i, name := range names {
		require.Equal(t, "breaker/"+string(name)+"/open", calls[len(calls)-len(names)+i].Subject)
	}
	require.False(t, w.shows(`dropped_total{what="changes"} 1`))
}

func TestTheEndIsBoundedAndWhatIsLeftIsCounted(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Reset = time.Hour })
	w.witness.answer(hang)
	stop := w.run(t)
	w.trip(t, backends.Compute)
	eventually(t, "it is being reported", func() bool { return len(w.witness.calls()) == 1 })
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 2*time.Second)
	require.True(t, w.shows(`dropped_total{what="changes"} 1`))
	require.True(t, w.shows(`dropped_total{what="durations"} 5`))
}

func TestWhatTheWitnessRefusesIsDroppedAndHoldsNothingUp(t *testing.T) {
	w := newWorld(t, func(c *backends.Config) { c.Reset = time.Hour })
	w.witness.answer(http.StatusNotFound)
	w.run(t)
	w.trip(t, backends.Compute)
	eventually(t, "dropped", func() bool {
		return w.shows(`dropped_total{what="changes"} 1`) && w.shows(`dropped_total{what="durations"} 5`)
	})
}
