package leadership

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAWaiterLeadsMillisecondsAfterTheHolderDies(t *testing.T) {
	const ttl, samples = 2 * time.Second, 30
	o := database(t, ttl)
	ctx := t.Context()
	holder, err := OpenSession(ctx, o)
	require.NoError(t, err)
	require.NoError(t, holder.Lock(ctx, "k"))
	look := connect(t, o)
	var last uint64
	took := make([]time.Duration, 0, samples)
	for range samples {
		waiter, err := OpenSession(ctx, o)
		require.NoError(t, err)
		granted := make(chan error, 1)
		go func() { granted <- waiter.Lock(ctx, "k") }()
		waiting(t, look, 1)
		died := time.Now()
		require.NoError(t, holder.(*session).conn.PgConn().Conn().Close()) // no goodbye, as when it is killed
		require.NoError(t, <-granted)
		term, _, err := waiter.RaiseTerm(ctx, "k", "waiter")
		require.NoError(t, err)
		took = append(took, time.Since(died))
		require.Greater(t, term, last, "a term only grows")
		last = term
		holder.Close()
		holder = waiter
	}
	holder.Close()
	slices.Sort(took)
	t.Logf("handover with term, %d samples: p50 %v, max %v", samples, took[samples/2], took[samples-1])
	require.Less(t, took[samples/2], 200*time.Millisecond)
}

func TestAHolderThatIsCutOffStandsDownBeforeTheServerLetsGo(t *testing.T) {
	const ttl = time.Second
	direct := database(t, ttl)
	behind, link := through(t, direct)
	holder := hold(t, behind, "holder")
	lease := within(t, 5*time.Second, holder.won, "the leadership")
	waiter := hold(t, direct, "waiter")

	cut := time.Now()
	link.BlackHole(true)
	stood := within(t, 5*time.Second, holder.ended, "standing down")
	require.ErrorIs(t, lease.Check(), ErrTermLost)
	next := within(t, 5*time.Second, waiter.won, "the successor")
	require.Greater(t, next.Term, lease.Term)
	succeeded := time.Now()
	t.Logf("ttl %v: stood down %v, succeeded %v after the cut", ttl, stood.Sub(cut), succeeded.Sub(cut))
	require.LessOrEqual(t, stood.Sub(cut), ttl/2+ttl/5, "half the ttl after the last answered request at the latest")
	require.Greater(t, stood.Sub(cut), ttl/8, "not before an answer was due")
	require.Less(t, stood, succeeded, "never two at once")
	require.Less(t, succeeded.Sub(cut), ttl+ttl/2)
	require.Error(t, within(t, time.Second, holder.err, "Hold to return, though nothing answers"))
}

func TestALeadershipOutlastsItsTTLWhileItIsAnswered(t *testing.T) {
	const ttl = 400 * time.Millisecond
	holder := hold(t, database(t, ttl), "holder")
	lease := within(t, 5*time.Second, holder.won, "the leadership")
	select {
	case <-holder.ended:
		require.FailNow(t, "lost a healthy leadership")
	case <-time.After(5 * ttl):
	}
	require.NoError(t, lease.Check())
}

func TestATerminatedSessionIsNoticedAtOnceAndReplaced(t *testing.T) {
	const ttl = 10 * time.Second // pings are 2.5 s apart
	o := database(t, ttl)
	holder := hold(t, o, "holder")
	first := within(t, 5*time.Second, holder.won, "the leadership")
	_, err := connect(t, o).Exec(t.Context(), `
		SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE application_name = 'test/leadership/k' AND datname = current_database()`)
	require.NoError(t, err)
	ended := time.Now()
	stood := within(t, time.Second, holder.ended, "standing down")
	t.Logf("noticed after %v", stood.Sub(ended))
	second := within(t, 5*time.Second, hold(t, o, "holder").won, "the leadership again")
	require.Equal(t, first.Term+1, second.Term)
}

func TestAFrozenWaiterThatIsGrantedTheLockBlocksNobodyForLongerThanTheTTL(t *testing.T) {
	const ttl = time.Second
	direct := database(t, ttl)
	look := connect(t, direct)
	holder := hold(t, direct, "holder")
	within(t, 5*time.Second, holder.won, "the leadership")
	behind, link := through(t, direct)
	frozen := hold(t, behind, "frozen")
	waiting(t, look, 1)
	link.BlackHole(true)
	third := hold(t, direct, "third")
	waiting(t, look, 2)

	holder.stop()
	freed := time.Now()
	within(t, 3*ttl, third.won, "the leadership behind a frozen waiter")
	t.Logf("ttl %v: led %v after the lock was free", ttl, time.Since(freed))
	require.Less(t, time.Since(freed), ttl+ttl/2)
	require.Empty(t, frozen.won, "cut off, it never learnt that it was next")
}

func TestALeadershipIsGivenUpAtOnceWhenItsHolderStops(t *testing.T) {
	o := database(t, 10*time.Second)
	holder := hold(t, o, "holder")
	within(t, 5*time.Second, holder.won, "the leadership")
	waiter := hold(t, o, "waiter")
	waiting(t, connect(t, o), 1)
	holder.stop()
	stopped := time.Now()
	within(t, time.Second, waiter.won, "the successor")
	t.Logf("succeeded after %v", time.Since(stopped))
}

func TestTheLockIsKeptUntilTheWorkOfItsHolderHasEnded(t *testing.T) {
	o := database(t, time.Second)
	ctx, stop := context.WithCancel(t.Context())
	leading, finish := make(chan struct{}), make(chan struct{})
	held := make(chan error, 1)
	go func() {
		held <- NewSessions(o, "holder").Hold(ctx, "k", func(ctx context.Context) error {
			close(leading)
			<-ctx.Done()
			<-finish
			return nil
		})
	}()
	within(t, 5*time.Second, leading, "the leadership")
	stop()
	select {
	case <-held:
		require.FailNow(t, "gave up the lock under the feet of its work")
	case <-time.After(100 * time.Millisecond):
	}
	close(finish)
	require.ErrorIs(t, within(t, time.Second, held, "Hold to return"), context.Canceled)
}
