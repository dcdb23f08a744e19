package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/reference/jobs"
)

const completeSQL = `
	WITH ` + mine + `
	UPDATE jobs SET state = 'done', closed_by_token = mine.token, error = NULL
	FROM mine WHERE jobs.id = mine.id
	RETURNING jobs.id`

// Complete ends executions that have done their work. It returns the jobs
// that were completed; the other executions are lost.
func (l *Ledger) Complete(ctx context.Context, executions []Execution) (map[int64]bool, error) {
	return l.byToken(ctx, "complete", completeSQL, executions)
}

const releaseSQL = `
	WITH ` + mine + `, released AS (
		UPDATE jobs SET state = 'queued', token = NULL, closed_by_token = mine.token
		FROM mine WHERE jobs.id = mine.id
		RETURNING jobs.id
	), announced AS (
		INSERT INTO outbox (job_id) SELECT id FROM released ORDER BY id
	)
	SELECT id FROM released`

// Release gives unfinished executions back: the jobs are queued again and
// announced by the same statement. The work must have stopped before. It
// returns the jobs that were given back; the other executions are lost.
func (l *Ledger) Release(ctx context.Context, executions []Execution) (map[int64]bool, error) {
	return l.byToken(ctx, "release", releaseSQL, executions)
}

// Failure is how an execution failed by the job's own fault.
type Failure struct {
	Reason string
	Retry  bool          // try the job again rather than give it up
	Delay  time.Duration // before the next attempt
}

const failSQL = `
	WITH failed AS (
		UPDATE jobs SET state = CASE WHEN $4 THEN 'queued' ELSE 'dead' END, failures = failures + 1, error = $3,
			closed_by_token = token, token = CASE WHEN $4 THEN NULL ELSE token END
		WHERE id = $1 AND token = $2::uuid AND state = 'running'
		RETURNING id, key, kind, attempt, state, closed_by_token
	), announced AS (
		INSERT INTO outbox (job_id, available_at)
		SELECT id, clock_timestamp() + $5::interval FROM failed WHERE state = 'queued'
	), buried AS (
		INSERT INTO dead_letters (job_id, key, kind, attempt, token, reason)
		SELECT id, key, kind, attempt, closed_by_token, $3 FROM failed WHERE state = 'dead'
	)
	SELECT state FROM failed`

// Fail ends an execution that failed. One statement queues the job again and
// announces it, or gives it up and writes its dead letter. It returns the
// job's new state, or ErrLost.
func (l *Ledger) Fail(ctx context.Context, e Execution, f Failure) (jobs.State, error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	var state jobs.State
	err := l.pool.QueryRow(ctx, failSQL, e.Job, e.Token, f.Reason, f.Retry, f.Delay).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("fail job %d, attempt %d: %w", e.Job, e.Attempt, ErrLost)
	}
	if err != nil {
		return "", fmt.Errorf("fail job %d, attempt %d: %w", e.Job, e.Attempt, err)
	}
	return state, nil
}
