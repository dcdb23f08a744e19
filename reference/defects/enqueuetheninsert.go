package defects

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/relay"
)

// enqueueThenInsert tells the stream of a job before the job exists, and has
// nothing to fall back on: there is no outbox row to publish it again from.
func enqueueThenInsert() Defect {
	return Defect{
		Name:        "enqueue-then-insert",
		Wrong:       "the entry is published first and the row inserted second, without an outbox",
		Origin:      siteReview,
		Symptom:     "a job whose entry is read before the row is there, or lost with the stream, is never done",
		Gate:        "lost",
		Scenarios:   []string{"calm"},
		ShowsInCalm: true,
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			p.Jobs = enqueuer{Jobs: p.Jobs, pool: d.API, limit: c.TTL / 2, queue: p.Queue}
		},
	}
}

type enqueuer struct {
	api.Jobs
	pool  *pgxpool.Pool
	limit time.Duration
	queue relay.Publisher
}

// Submit publishes, then inserts. A key that is known already is left alone.
func (s enqueuer) Submit(ctx context.Context, sub jobs.Submission) (job jobs.Job, created bool, err error) {
	sub, err = sub.Normalize()
	if err != nil {
		return jobs.Job{}, false, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limit)
	defer cancel()
	var id int64
	err = s.pool.QueryRow(ctx, `SELECT id FROM jobs WHERE key = $1`, sub.Key).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		created = true
		id, err = s.create(ctx, sub)
	}
	if err == nil {
		job, err = s.Get(ctx, id)
	}
	if err != nil {
		return jobs.Job{}, false, fmt.Errorf("submit %s: %w", sub.Key, err)
	}
	return job, created, nil
}

func (s enqueuer) create(ctx context.Context, sub jobs.Submission) (id int64, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('jobs', 'id'))`).Scan(&id); err != nil {
		return 0, fmt.Errorf("draw an id: %w", err)
	}
	if _, err := s.queue.Publish(ctx, []queue.Job{{ID: id, Kind: sub.Kind}}); err != nil {
		return 0, err
	}
	_, err = s.pool.Exec(ctx, `
		INSERT INTO jobs (id, key, kind, subject, payload) OVERRIDING SYSTEM VALUE VALUES ($1, $2, $3, $4, $5)`,
		id, sub.Key, sub.Kind, sub.Subject, sub.Payload)
	if err != nil {
		return 0, fmt.Errorf("insert the row: %w", err)
	}
	return id, nil
}
