package ledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
)

const lease = 10 * time.Second

func submit(t *testing.T, pool *pgxpool.Pool, n int) []int64 {
	t.Helper()
	ids := make([]int64, n)
	for i := range n {
		job, _, err := jobs.NewStore(pool, 5*time.Second).Submit(t.Context(), jobs.Submission{Key: fmt.Sprint("k", i)})
		require.NoError(t, err)
		ids[i] = job.ID
	}
	return ids
}

// acquire takes one job and returns its execution.
func acquire(t *testing.T, l *ledger.Ledger, id int64) ledger.Execution {
	t.Helper()
	answers, err := l.Acquire(t.Context(), "replica-1", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	require.Equal(t, ledger.Acquired, answers[id].Verdict)
	return answers[id].Execution
}

// age makes an execution look as if it had not been renewed for a lease.
func age(t *testing.T, pool *pgxpool.Pool, id int64) {
	t.Helper()
	teststores.Exec(t, pool, `UPDATE jobs SET renewed_at = renewed_at - $2::interval WHERE id = $1`, id, lease)
}

func TestAcquiringAnswersForEveryJob(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	ids := submit(t, pool, 3)
	done, running, free := ids[0], ids[1], ids[2]
	_, err := l.Complete(t.Context(), []ledger.Execution{acquire(t, l, done)})
	require.NoError(t, err)
	acquire(t, l, running)

	answers, err := l.Acquire(t.Context(), "replica-2", ledger.NewToken(), append(ids, 999))
	require.NoError(t, err)
	require.Equal(t, ledger.Finished, answers[done].Verdict)
	require.Equal(t, ledger.Elsewhere, answers[running].Verdict)
	require.Equal(t, ledger.Unknown, answers[999].Verdict)
	require.Equal(t, ledger.Acquired, answers[free].Verdict)
	e := answers[free].Execution
	require.Equal(t, 1, e.Attempt)
	require.Equal(t, "k2", e.Key)
	require.Equal(t, "job/k2", e.Subject)
	require.JSONEq(t, "null", string(e.Payload))
}

func TestAcquiringAgainWithTheSameTokenIsTheSameAttempt(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	ids := submit(t, pool, 1)
	token := ledger.NewToken()
	for range 2 {
		answers, err := l.Acquire(t.Context(), "replica-1", token, ids)
		require.NoError(t, err)
		require.Equal(t, ledger.Acquired, answers[ids[0]].Verdict)
		require.Equal(t, 1, answers[ids[0]].Execution.Attempt)
	}
}

func TestOfManyWhoAcquireAtOnceOneGetsEachJob(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	ids := submit(t, pool, 20)
	var mu sync.Mutex
	got := map[int64]int{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			answers, err := l.Acquire(t.Context(), fmt.Sprint("replica-", i), ledger.NewToken(), ids)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for id, a := range answers {
				if a.Verdict == ledger.Acquired {
					got[id]++
				}
			}
		})
	}
	all.Wait()
	require.Len(t, got, len(ids))
	for id, n := range got {
		require.Equal(t, 1, n, "job %d", id)
	}
}

func TestAStaleExecutionIsTakenOverAndItsTokenIsVoid(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	id := submit(t, pool, 1)[0]
	old := acquire(t, l, id)
	age(t, pool, id)
	live := acquire(t, l, id)
	require.Equal(t, 2, live.Attempt)
	require.NotEqual(t, old.Token, live.Token)

	for name, write := range map[string]func([]ledger.Execution) (map[int64]bool, error){
		"renew":    func(e []ledger.Execution) (map[int64]bool, error) { return l.Renew(t.Context(), e) },
		"complete": func(e []ledger.Execution) (map[int64]bool, error) { return l.Complete(t.Context(), e) },
		"release":  func(e []ledger.Execution) (map[int64]bool, error) { return l.Release(t.Context(), e) },
	} {
		ended, err := write([]ledger.Execution{old})
		require.NoError(t, err, name)
		require.Empty(t, ended, name)
	}
	for _, retry := range []bool{true, false} {
		_, err := l.Fail(t.Context(), old, ledger.Failure{Reason: "late", Retry: retry})
		require.ErrorIs(t, err, ledger.ErrLost)
	}
	require.Equal(t, "running", teststores.One[string](t, pool, `SELECT state FROM jobs WHERE id = $1`, id))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM dead_letters`))
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM outbox`))

	completed, err := l.Complete(t.Context(), []ledger.Execution{live})
	require.NoError(t, err)
	require.True(t, completed[id])
	require.True(t, teststores.One[bool](t, pool, `SELECT token = closed_by_token FROM jobs WHERE id = $1`, id))
}

func TestRenewingKeepsAnExecutionFromBeingTakenOver(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	id := submit(t, pool, 1)[0]
	e := acquire(t, l, id)
	age(t, pool, id)
	renewed, err := l.Renew(t.Context(), []ledger.Execution{e})
	require.NoError(t, err)
	require.True(t, renewed[id])
	answers, err := l.Acquire(t.Context(), "replica-2", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	require.Equal(t, ledger.Elsewhere, answers[id].Verdict)
}

func TestAReleasedJobIsQueuedAndAnnouncedAndNotBlamed(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	id := submit(t, pool, 1)[0]
	released, err := l.Release(t.Context(), []ledger.Execution{acquire(t, l, id)})
	require.NoError(t, err)
	require.True(t, released[id])
	require.Equal(t, 2, teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE job_id = $1`, id))
	again := acquire(t, l, id)
	require.Equal(t, 2, again.Attempt)
	require.Zero(t, again.Failures)
}

func TestAFailedJobIsAnnouncedAgainLaterOrDeadLettered(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	id := submit(t, pool, 1)[0]
	state, err := l.Fail(t.Context(), acquire(t, l, id), ledger.Failure{Reason: "first", Retry: true, Delay: time.Hour})
	require.NoError(t, err)
	require.Equal(t, jobs.Queued, state)
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE available_at > now() + interval '50 minutes'`))

	e := acquire(t, l, id)
	require.Equal(t, 1, e.Failures)
	state, err = l.Fail(t.Context(), e, ledger.Failure{Reason: "second"})
	require.NoError(t, err)
	require.Equal(t, jobs.Dead, state)
	require.Equal(t, "second", teststores.One[string](t, pool, `SELECT reason FROM dead_letters WHERE job_id = $1 AND attempt = 2`, id))
	answers, err := l.Acquire(t.Context(), "replica-2", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	require.Equal(t, ledger.Finished, answers[id].Verdict)
}

func TestAJobIsNotDeadWithoutItsDeadLetter(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	id := submit(t, pool, 1)[0]
	e := acquire(t, l, id)
	teststores.Exec(t, pool, `ALTER TABLE dead_letters ADD CHECK (reason <> 'unwritable')`)
	_, err := l.Fail(t.Context(), e, ledger.Failure{Reason: "unwritable"})
	require.Error(t, err)
	require.NotErrorIs(t, err, ledger.ErrLost)
	require.Equal(t, "running", teststores.One[string](t, pool, `SELECT state FROM jobs WHERE id = $1`, id))
	state, err := l.Fail(t.Context(), e, ledger.Failure{Reason: "writable"})
	require.NoError(t, err)
	require.Equal(t, jobs.Dead, state)
}

func TestBatchesOfTheSameJobsInAnyOrderDoNotDeadlock(t *testing.T) {
	pool := stores.Migrated(t)
	l := ledger.New(pool, lease, 5*time.Second)
	ids := submit(t, pool, 50)
	answers, err := l.Acquire(t.Context(), "replica-1", ledger.NewToken(), ids)
	require.NoError(t, err)
	forward, backward := make([]ledger.Execution, 50), make([]ledger.Execution, 50)
	for i, id := range ids {
		forward[i], backward[49-i] = answers[id].Execution, answers[id].Execution
	}
	var all sync.WaitGroup
	for _, batch := range [][]ledger.Execution{forward, backward, forward, backward} {
		all.Go(func() {
			for range 20 {
				if renewed, err := l.Renew(t.Context(), batch); err != nil || len(renewed) != 50 {
					t.Errorf("renewed %d: %v", len(renewed), err)
				}
			}
		})
	}
	all.Wait()
}
