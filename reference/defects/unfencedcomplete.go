package defects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// unfencedComplete ends whatever execution of the job is under way, whoever
// asks: a worker that was taken for dead ends the work of its successor.
func unfencedComplete() Defect {
	return Defect{
		Name:      "unfenced-complete",
		Wrong:     "executions are completed and failed by the job alone, and the token is not looked at",
		Origin:    cloudReview,
		Symptom:   "a superseded attempt ends the one that is under way",
		Gate:      "unfenced",
		Scenarios: []string{"worker-pause"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = closesByJob{Ledger: lane.Ledger, pool: d.Pool, limit: c.TTL / 2}
			}
		},
	}
}

type closesByJob struct {
	worker.Ledger
	pool  *pgxpool.Pool
	limit time.Duration
}

// Complete does not ask whose execution it ends.
func (l closesByJob) Complete(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	completed := make(map[int64]bool, len(executions))
	for _, e := range executions {
		tag, err := l.pool.Exec(ctx, `
			UPDATE jobs SET state = 'done', closed_by_token = $2::uuid, error = NULL
			WHERE id = $1 AND state = 'running'`, e.Job, e.Token)
		if err != nil {
			return nil, fmt.Errorf("complete: %w", err)
		}
		completed[e.Job] = tag.RowsAffected() > 0
	}
	return completed, nil
}

// Fail does not ask either.
func (l closesByJob) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	ctx, cancel := context.WithTimeout(ctx, l.limit)
	defer cancel()
	var state jobs.State
	err := l.pool.QueryRow(ctx, `
		WITH failed AS (
			UPDATE jobs SET state = CASE WHEN $4 THEN 'queued' ELSE 'dead' END, failures = failures + 1, error = $3,
				closed_by_token = $2::uuid, token = CASE WHEN $4 THEN NULL ELSE token END
			WHERE id = $1 AND state = 'running'
			RETURNING id, key, kind, attempt, state, closed_by_token
		), announced AS (
			INSERT INTO outbox (job_id, available_at)
			SELECT id, clock_timestamp() + $5::interval FROM failed WHERE state = 'queued'
		), buried AS (
			INSERT INTO dead_letters (job_id, key, kind, attempt, token, reason)
			SELECT id, key, kind, attempt, closed_by_token, $3 FROM failed WHERE state = 'dead'
		)
		SELECT state FROM failed`, e.Job, e.Token, f.Reason, f.Retry, f.Delay).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("fail job %d: %w", e.Job, ledger.ErrLost)
	}
	if err != nil {
		return "", fmt.Errorf("fail job %d: %w", e.Job, err)
	}
	return state, nil
}
