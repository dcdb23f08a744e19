package kinds_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/kinds"
	"github.com/drillrun/drillrun/reference/ledger"
)

const (
	lease = 400 * time.Millisecond
	limit = 5 * time.Second
)

var result = json.RawMessage(`["accepted"]`)

// submit submits a job and returns its id.
func submit(t *testing.T, pool *pgxpool.Pool, kind, key, payload string) int64 {
	t.Helper()
	job, _, err := jobs.NewStore(pool, limit).Submit(t.Context(), jobs.Submission{Key: key, Kind: kind, Payload: json.RawMessage(payload)})
	require.NoError(t, err)
	return job.ID
}

// acquire takes a job and returns its execution.
func acquire(t *testing.T, pool *pgxpool.Pool, id int64) ledger.Execution {
	t.Helper()
	answers, err := ledger.New(pool, lease, limit).Acquire(t.Context(), "replica-1", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	require.Equal(t, ledger.Acquired, answers[id].Verdict)
	return answers[id].Execution
}

// age makes an execution look as if it had not been renewed for a lease.
func age(t *testing.T, pool *pgxpool.Pool, id int64) {
	t.Helper()
	teststores.Exec(t, pool, `UPDATE jobs SET renewed_at = renewed_at - $2::interval WHERE id = $1`, id, lease)
}

// begin begins a transaction that is rolled back with the test, so that one
// that fails can close its pool.
func begin(t *testing.T, pool *pgxpool.Pool) pgx.Tx {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := tx.Rollback(context.Background()); !errors.Is(err, pgx.ErrTxClosed) {
			require.NoError(t, err)
		}
	})
	return tx
}

func TestAFinishedStepStaysFinishedForWhoeverComesNext(t *testing.T) {
	pool := stores.Migrated(t)
	s := kinds.NewStore(pool, limit)
	id := submit(t, pool, jobs.Provision, "k", "")
	first := acquire(t, pool, id)
	for range 2 { // it can be repeated
		require.NoError(t, s.Finish(t.Context(), first, 1, result))
	}
	age(t, pool, id)
	second := acquire(t, pool, id)
	finished, err := s.Finished(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 1, finished)
	for range 2 {
		require.NoError(t, s.Conclude(t.Context(), second, 2, result, 7))
	}
	finished, err = s.Finished(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 2, finished)
	require.True(t, teststores.One[bool](t, pool, `SELECT token = $1::uuid FROM job_steps WHERE step = 1`, first.Token))
	require.True(t, teststores.One[bool](t, pool, `SELECT token = $1::uuid FROM job_steps WHERE step = 2`, second.Token))
	require.Equal(t, "provision/k", teststores.One[string](t, pool,
		`SELECT name FROM resources WHERE kind = 'provision' AND job_id = $1 AND size = 7 AND state = 'running'`, id))
}

func TestAnExecutionThatIsNotInForceFinishesNothing(t *testing.T) {
	pool := stores.Migrated(t)
	s := kinds.NewStore(pool, limit)
	l := ledger.New(pool, lease, limit)
	for name, end := range map[string]func(t *testing.T, e ledger.Execution){
		"taken over": func(t *testing.T, e ledger.Execution) {
			age(t, pool, e.Job)
			acquire(t, pool, e.Job)
		},
		"given back": func(t *testing.T, e ledger.Execution) {
			_, err := l.Release(t.Context(), []ledger.Execution{e})
			require.NoError(t, err)
		},
		"completed": func(t *testing.T, e ledger.Execution) {
			_, err := l.Complete(t.Context(), []ledger.Execution{e})
			require.NoError(t, err)
		},
		"failed": func(t *testing.T, e ledger.Execution) {
			_, err := l.Fail(t.Context(), e, ledger.Failure{Reason: "its own fault"})
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := acquire(t, pool, submit(t, pool, jobs.Provision, name, ""))
			end(t, e)
			require.ErrorIs(t, s.Finish(t.Context(), e, 1, result), ledger.ErrLost)
			require.ErrorIs(t, s.Conclude(t.Context(), e, 1, result, 1), ledger.ErrLost)
			require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM job_steps`))
			require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM resources`))
		})
	}
}

func TestAFinishThatMeetsATakeoverWaitsForItAndLoses(t *testing.T) {
	pool := stores.Migrated(t)
	id := submit(t, pool, jobs.Provision, "k", "")
	e := acquire(t, pool, id)
	takeover := begin(t, pool)
	_, err := takeover.Exec(t.Context(), `UPDATE jobs SET token = gen_random_uuid(), attempt = attempt + 1`)
	require.NoError(t, err)
	finished := make(chan error, 1)
	go func() { finished <- kinds.NewStore(pool, limit).Finish(t.Context(), e, 1, result) }()
	require.Eventually(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0
	}, 5*time.Second, 2*time.Millisecond)
	require.NoError(t, takeover.Commit(t.Context()))
	require.ErrorIs(t, <-finished, ledger.ErrLost)
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM job_steps`))
}

func TestATakeoverDoesNotOvertakeAFinishThatHasLookedAtTheToken(t *testing.T) {
	pool := stores.Migrated(t)
	id := submit(t, pool, jobs.Provision, "k", "")
	e := acquire(t, pool, id)
	age(t, pool, id)
	// The insert of the step waits here, after the token has been looked at.
	blocker := begin(t, pool)
	_, err := blocker.Exec(t.Context(), `INSERT INTO job_steps (job_id, step, token, result) SELECT id, 1, token, '[]' FROM jobs`)
	require.NoError(t, err)
	finished := make(chan error, 1)
	go func() { finished <- kinds.NewStore(pool, limit).Finish(t.Context(), e, 1, result) }()
	require.Eventually(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM pg_locks WHERE NOT granted`) > 0
	}, 5*time.Second, 2*time.Millisecond)
	answers, err := ledger.New(pool, lease, limit).Acquire(t.Context(), "replica-2", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	require.Equal(t, ledger.Elsewhere, answers[id].Verdict, "the row is locked until the step is recorded")
	require.NoError(t, blocker.Rollback(t.Context()))
	require.NoError(t, <-finished)
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM job_steps`))
	acquire(t, pool, id)
}
