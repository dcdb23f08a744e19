package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
)

// requestContextEmit commits the job and then announces it on behalf of the
// client: one that has hung up takes the announcement with it.
func requestContextEmit() Defect {
	return Defect{
		Name:      "request-context-emit",
		Wrong:     "the event that follows the commit of a job is written with the client's context",
		Origin:    siteReview,
		Symptom:   "a job that nobody was told of, when the client hangs up after the commit",
		Gate:      "lost",
		Scenarios: []string{"late-answers"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			p.Jobs = emitter{Jobs: p.Jobs, pool: d.API, limit: c.TTL / 2}
		},
	}
}

type emitter struct {
	api.Jobs
	pool  *pgxpool.Pool
	limit time.Duration
}

// Submit commits the row, whatever the client does, and emits the event only
// while the client waits.
func (s emitter) Submit(ctx context.Context, sub jobs.Submission) (job jobs.Job, created bool, err error) {
	sub, err = sub.Normalize()
	if err != nil {
		return jobs.Job{}, false, err
	}
	id, created, err := s.insert(context.WithoutCancel(ctx), sub)
	if err == nil && created {
		_, err = s.pool.Exec(ctx, `INSERT INTO outbox (job_id) VALUES ($1)`, id)
	}
	if err == nil {
		job, err = s.Get(ctx, id)
	}
	if err != nil {
		return jobs.Job{}, false, fmt.Errorf("submit %s: %w", sub.Key, err)
	}
	return job, created, nil
}

func (s emitter) insert(ctx context.Context, sub jobs.Submission) (id int64, created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	err = s.pool.QueryRow(ctx, `
		WITH job AS (
			INSERT INTO jobs (key, kind, subject, payload) VALUES ($1, $2, $3, $4)
			ON CONFLICT (key) DO NOTHING RETURNING id
		)
		SELECT id, true FROM job UNION ALL SELECT id, false FROM jobs WHERE key = $1`,
		sub.Key, sub.Kind, sub.Subject, sub.Payload).Scan(&id, &created)
	return id, created, err
}
