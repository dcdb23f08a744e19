package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

func releaseUnannounced() Defect {
	return Defect{
		Name:      "release-unannounced",
		Wrong:     "a job that is given back is queued again, and nobody is told",
		Origin:    ownGuard,
		Symptom:   "unfinished jobs of a worker that stopped in good order wait until their silence is noticed",
		Gate:      "takeover",
		Scenarios: []string{"worker-stop"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = releasesSilently{lane.Ledger, requeuer{d.Pool, c.TTL / 2}}
			}
		},
	}
}

func retryUnannounced() Defect {
	return Defect{
		Name:        "retry-unannounced",
		Wrong:       "a job that is to be tried again is queued, and nobody is told",
		Origin:      ownGuard,
		Symptom:     "a job that failed is neither tried again nor given up until its silence is noticed, each time",
		Gate:        "stuck",
		Scenarios:   []string{"poison"},
		ShowsInCalm: true,
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = retriesSilently{lane.Ledger, requeuer{d.Pool, c.TTL / 2}}
			}
		},
	}
}

type releasesSilently struct {
	worker.Ledger
	requeuer
}

func (l releasesSilently) Release(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	released := make(map[int64]bool, len(executions))
	for _, e := range executions {
		ours, err := l.requeue(ctx, e, 0)
		if err != nil {
			return nil, fmt.Errorf("release: %w", err)
		}
		released[e.Job] = ours
	}
	return released, nil
}

type retriesSilently struct {
	worker.Ledger
	requeuer
}

func (l retriesSilently) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	if !f.Retry {
		return l.Ledger.Fail(ctx, e, f)
	}
	ours, err := l.requeue(ctx, e, 1)
	if err == nil && !ours {
		err = ledger.ErrLost
	}
	return jobs.Queued, err
}

// requeuer queues jobs without an outbox row.
type requeuer struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

// requeue ends an execution, if it is in force, and adds to the job's failures.
func (r requeuer) requeue(ctx context.Context, e ledger.Execution, failures int) (ours bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	tag, err := r.pool.Exec(ctx, `
		UPDATE jobs SET state = 'queued', failures = failures + $3, closed_by_token = token, token = NULL
		WHERE id = $1 AND token = $2::uuid AND state = 'running'`, e.Job, e.Token, failures)
	if err != nil {
		return false, fmt.Errorf("queue job %d again: %w", e.Job, err)
	}
	return tag.RowsAffected() > 0, nil
}
