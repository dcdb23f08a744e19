package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

func untilAborted(ctx context.Context, _ ledger.Execution) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestAStoppingWorkerFinishesWhatItCan(t *testing.T) {
	b := newBench(t)
	r := b.work(t, "replica-1", map[string]worker.Handler{"short": func(context.Context, ledger.Execution) error {
		<-time.After(200 * time.Millisecond)
		return nil
	}})
	b.publish(t, "short", 1)
	b.states(t, jobs.Running, 1)
	r.stop()
	b.states(t, jobs.Done, 1)
	require.Zero(t, b.redis.XLen(t.Context(), key).Val())
}

func TestAStoppingWorkerAbortsAndGivesBackWhatItCannotFinishEvenWhenAllSlotsAreTaken(t *testing.T) {
	b := newBench(t)
	r := b.work(t, "replica-1", map[string]worker.Handler{"endless": untilAborted})
	b.publish(t, "endless", 10) // more than there are slots
	b.states(t, jobs.Running, 4)
	began := time.Now()
	r.stop()
	require.Less(t, time.Since(began), time.Second, "within the grace")
	b.states(t, jobs.Queued, 10)
	require.Equal(t, 14, teststores.One[int](t, b.pool, `SELECT count(*) FROM outbox`), "four are announced again")
	require.Zero(t, b.redis.XPending(t.Context(), key, queue.GroupName).Val().Count)
	require.Zero(t, teststores.One[int](t, b.pool, `SELECT sum(failures) FROM jobs`))
}

func TestAnExecutionThatWasTakenOverIsStoppedAndClosesNothing(t *testing.T) {
	b := newBench(t)
	stopped := make(chan error, 1)
	b.work(t, "replica-1", map[string]worker.Handler{"endless": func(ctx context.Context, e ledger.Execution) error {
		err := untilAborted(ctx, e)
		stopped <- err
		return nil // it claims to have succeeded
	}})
	b.publish(t, "endless", 1)
	b.states(t, jobs.Running, 1)
	teststores.Exec(t, b.pool, `UPDATE jobs SET token = gen_random_uuid(), attempt = attempt + 1, renewed_at = clock_timestamp() + interval '1 hour'`)
	select {
	case err := <-stopped:
		require.ErrorIs(t, err, ledger.ErrLost)
	case <-time.After(5 * time.Second):
		require.FailNow(t, "a lost execution went on")
	}
	require.Never(t, func() bool {
		return teststores.One[string](t, b.pool, `SELECT state FROM jobs`) != "running"
	}, lease, 20*time.Millisecond)
	require.Equal(t, int64(1), b.redis.XLen(t.Context(), key).Val(), "the entry is not acknowledged")
}

func TestAnExecutionEndsWhenItsLeaseMayHaveRunOutUnseen(t *testing.T) {
	b := newBench(t)
	stopped := make(chan time.Time, 1)
	b.work(t, "replica-1", map[string]worker.Handler{"endless": func(ctx context.Context, e ledger.Execution) error {
		err := untilAborted(ctx, e)
		stopped <- time.Now()
		return err
	}})
	b.publish(t, "endless", 1)
	b.states(t, jobs.Running, 1)
	blocker, err := b.pool.Begin(t.Context()) // renewals wait for it and time out
	require.NoError(t, err)
	_, err = blocker.Exec(t.Context(), `LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE`)
	require.NoError(t, err)
	blocked := time.Now()
	select {
	case at := <-stopped:
		require.Less(t, at.Sub(blocked), lease+lease/4)
	case <-time.After(5 * time.Second):
		require.FailNow(t, "went on without a lease")
	}
	require.NoError(t, blocker.Rollback(t.Context()))
}
