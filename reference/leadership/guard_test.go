package leadership

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// task is a singleton made of a function.
type task struct {
	name string
	run  func(ctx context.Context) error
}

func (s task) Name() string                  { return s.name }
func (s task) Run(ctx context.Context) error { return s.run(ctx) }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// guarded runs a guard until the test ends.
func guarded(t *testing.T, g *Guard) {
	t.Helper()
	g.Log = quiet()
	if g.Observe == nil {
		g.Observe = func(string, uint64, bool) {}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); g.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
}

func TestSingletonsRunOnExactlyOneReplicaPerKeyAndKeysAreIndependent(t *testing.T) {
	o := database(t, time.Second)
	var running, most, starts atomic.Int64
	single := func(key string) Singleton {
		return task{key, func(ctx context.Context) error {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			starts.Add(1)
			<-ctx.Done()
			running.Add(-1)
			return nil
		}}
	}
	for _, replica := range []string{"replica-1", "replica-2", "replica-3"} {
		guarded(t, &Guard{Elector: NewSessions(o, replica), Singletons: map[string][]Singleton{
			"a": {single("a")}, "b": {single("b")},
		}})
	}
	require.Eventually(t, func() bool { return starts.Load() == 2 }, 5*time.Second, time.Millisecond)
	_, err := connect(t, o).Exec(t.Context(), `SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'test/leadership/a' AND a.datname = current_database()`)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return starts.Load() == 3 }, 5*time.Second, time.Millisecond)
	require.Eventually(t, func() bool { return running.Load() == 2 }, 5*time.Second, time.Millisecond)
}

func TestASingletonThatLosesTheTermEndsTheLeadershipForAllAndTheyEndBeforeItIsSoughtAgain(t *testing.T) {
	o := database(t, time.Second)
	var live, overlaps atomic.Int64
	terms := make(chan uint64, 10)
	first := atomic.Bool{}
	slow := task{"slow", func(ctx context.Context) error {
		if live.Add(1) > 1 {
			overlaps.Add(1)
		}
		defer live.Add(-1)
		l, err := FromContext(ctx)
		if err != nil {
			return err
		}
		terms <- l.Term
		<-ctx.Done()
		<-time.After(50 * time.Millisecond) // what it does until it notices
		return nil
	}}
	loses := task{"loses", func(ctx context.Context) error {
		if first.CompareAndSwap(false, true) {
			return ErrTermLost
		}
		<-ctx.Done()
		return nil
	}}
	guarded(t, &Guard{Elector: NewSessions(o, "replica-1"), Singletons: map[string][]Singleton{"k": {slow, loses}}})
	require.Equal(t, uint64(1), within(t, 5*time.Second, terms, "the first term"))
	require.Equal(t, uint64(2), within(t, 5*time.Second, terms, "the second term"))
	require.Zero(t, overlaps.Load())
}

func TestASingletonThatFailsIsStartedAgainUnderTheSameTerm(t *testing.T) {
	o := database(t, time.Second)
	terms := make(chan uint64, 10)
	fails := task{"fails", func(ctx context.Context) error {
		l, err := FromContext(ctx)
		if err != nil {
			return err
		}
		terms <- l.Term
		return errors.New("something of its own")
	}}
	observed := make(chan bool, 10)
	guarded(t, &Guard{
		Elector: NewSessions(o, "replica-1"), Singletons: map[string][]Singleton{"k": {fails}},
		Observe: func(_ string, _ uint64, held bool) { observed <- held },
	})
	for range 3 {
		require.Equal(t, uint64(1), within(t, 5*time.Second, terms, "another start"))
	}
	require.True(t, <-observed)
	require.Empty(t, observed, "the leadership lasted")
}
