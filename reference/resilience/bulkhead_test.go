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

func bulkhead(slots int, wait time.Duration) resilience.Bulkhead {
	return resilience.NewBulkhead(resilience.BulkheadConfig{Name: "storage", Slots: slots, Wait: wait})
}

// fill takes slots until the returned function is called.
func fill(t *testing.T, b resilience.Bulkhead, slots int) (empty func()) {
	t.Helper()
	taken, release := make(chan struct{}), make(chan struct{})
	var holders sync.WaitGroup
	for range slots {
		holders.Go(func() {
			assert.NoError(t, b.Do(t.Context(), func(context.Context) error {
				taken <- struct{}{}
				<-release
				return nil
			}))
		})
		<-taken
	}
	return func() { close(release); holders.Wait() }
}

func TestABulkheadRefusesAfterABoundedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bulkhead(10, 100*time.Millisecond)
		empty := fill(t, b, 10)
		began := time.Now()
		err := b.Do(t.Context(), func(context.Context) error { panic("an eleventh") })
		require.ErrorIs(t, err, resilience.ErrSaturated)
		require.ErrorContains(t, err, "storage")
		require.Equal(t, 100*time.Millisecond, time.Since(began))

		waited := make(chan error, 1)
		go func() { waited <- b.Do(t.Context(), up) }()
		synctest.Wait()
		empty()
		require.NoError(t, within(t, waited), "a slot that becomes free in time is taken")
		fill(t, b, 10)()
	})
}

func TestSlotsAreGivenBackWhateverHappens(t *testing.T) {
	b := bulkhead(2, 0)
	for range 5 {
		require.ErrorIs(t, b.Do(t.Context(), down), errDown)
		require.Panics(t, func() { _ = b.Do(t.Context(), func(context.Context) error { panic("call") }) })
	}
	fill(t, b, 2)()
}

func TestAContextThatHasEndedGetsNoSlot(t *testing.T) {
	b := bulkhead(1, time.Hour)
	why := errors.New("told to stop")
	gone, giveUp := context.WithCancelCause(t.Context())
	giveUp(why)
	for range 1000 { // a slot is free each time: no lots are drawn
		require.ErrorIs(t, b.Do(gone, func(context.Context) error { panic("called") }), why)
	}
	empty := fill(t, b, 1)
	waiting, giveUp := context.WithCancelCause(t.Context())
	waited := make(chan error, 1)
	go func() { waited <- b.Do(waiting, func(context.Context) error { panic("called") }) }()
	giveUp(why)
	require.ErrorIs(t, within(t, waited), why)
	empty()
	require.NoError(t, b.Do(t.Context(), up))
}

// ending is a context that ends between a first look at it and the next.
type ending struct {
	context.Context
	seen bool
}

func (e *ending) Err() error {
	if !e.seen {
		e.seen = true
		return nil
	}
	return e.Context.Err()
}

func TestAContextThatEndsAsASlotIsFreeGetsNone(t *testing.T) {
	gone, giveUp := context.WithCancel(t.Context())
	giveUp()
	for range 200 {
		b := bulkhead(1, time.Hour)
		err := b.Do(&ending{Context: gone}, func(context.Context) error { panic("called") })
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, b.Do(t.Context(), up), "the slot is free")
	}
}

func TestNoSlotLeaksUnderCancellation(t *testing.T) {
	const slots = 4
	b := bulkhead(slots, time.Millisecond)
	var running, ran atomic.Int64
	deadline, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			for deadline.Err() == nil {
				ctx, giveUp := context.WithTimeout(t.Context(), rand.N(time.Millisecond))
				_ = b.Do(ctx, func(context.Context) error {
					assert.LessOrEqual(t, running.Add(1), int64(slots))
					defer running.Add(-1)
					ran.Add(1)
					return backoff.Sleep(ctx, rand.N(200*time.Microsecond))
				})
				giveUp()
			}
		})
	}
	callers.Wait()
	require.Positive(t, ran.Load())
	fill(t, b, slots)()
}
