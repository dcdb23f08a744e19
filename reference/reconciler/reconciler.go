// Package reconciler sends jobs back to the outbox that the queue has lost, in
// whichever lane. It runs on the leader.
//
// Two things give a loss away, both compared in Postgres with the job's newest
// outbox row:
//
//   - The generation. A row published in another generation than the current
//     one went to streams whose data is gone or cannot be trusted: Redis was
//     flushed, or started anew and may have forgotten its latest writes.
//   - Silence. Nobody has published, taken or renewed the job for two of the
//     longest leases and a sweep, though every entry published at that time has
//     been delivered. This covers whatever nobody thought of.
//
// Invariants: every job that is not final has an unpublished outbox row, or an
// entry in its lane, or is found by one of the two rules. A job sent back
// without need costs one entry that is acknowledged unread. A backlog, however
// long, is not silence: the longest lag of the lanes is added to the threshold,
// so a busy system never feeds itself the same jobs again and again.
package reconciler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
)

// Queue is what the reconciler knows of the queue.
type Queue interface {
	// Generation names the time over which nothing can have been lost. It
	// begins a new one where something may have been.
	Generation(ctx context.Context) (string, error)
	// Lag is how long the oldest undelivered entry of any lane has been waiting.
	Lag(ctx context.Context) (time.Duration, error)
}

// Jobs is where the reconciler finds and announces jobs.
type Jobs interface {
	// Republish sends back, under the lease in ctx, the jobs that were
	// published in another generation or are silent for longer than quiet.
	Republish(ctx context.Context, generation string, quiet time.Duration) (int64, error)
}

// Reconciler is the leader's singleton.
type Reconciler struct {
	Queue   Queue
	Jobs    Jobs
	Every   time.Duration // between sweeps
	Quiet   time.Duration // silence that gives a loss away, without the queue's lag
	Metrics *metrics.Set
	Log     *slog.Logger
}

var _ leadership.Singleton = (*Reconciler)(nil)

// Name implements leadership.Singleton.
func (*Reconciler) Name() string { return "reconciler" }

// Run implements leadership.Singleton.
func (r *Reconciler) Run(ctx context.Context) error {
	for {
		err := r.sweep(ctx)
		switch {
		case errors.Is(err, leadership.ErrTermLost):
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Metrics.Failure("reconciler")
			r.Log.Warn("sweep failed, the next one comes", "err", err)
		}
		if backoff.Sleep(ctx, r.Every) != nil {
			return nil
		}
	}
}

func (r *Reconciler) sweep(ctx context.Context) error {
	generation, err := r.Queue.Generation(ctx)
	if err != nil {
		return err
	}
	lag, err := r.Queue.Lag(ctx)
	if err != nil {
		return err
	}
	n, err := r.Jobs.Republish(ctx, generation, r.Quiet+lag)
	if err != nil {
		return err
	}
	if n > 0 {
		r.Metrics.Republished(int(n))
		r.Log.Warn("jobs sent back to the outbox", "jobs", n, "generation", generation, "lag", lag)
	}
	return nil
}

// Store is Jobs in Postgres.
type Store struct {
	db    leadership.DB
	limit time.Duration
}

var _ Jobs = (*Store)(nil)

// NewStore returns a store that gives each call at most limit.
func NewStore(db leadership.DB, limit time.Duration) *Store {
	return &Store{db: db, limit: limit}
}

const republishSQL = `
	INSERT INTO outbox (job_id, enqueued_term)
	SELECT j.id, $2::bigint FROM jobs j CROSS JOIN LATERAL (
		SELECT published_at, published_generation FROM outbox o
		WHERE o.job_id = j.id ORDER BY o.id DESC LIMIT 1
	) newest
	WHERE j.state IN ('queued', 'running') AND newest.published_at IS NOT NULL
	AND (newest.published_generation <> $3
		OR greatest(newest.published_at, j.renewed_at) < clock_timestamp() - $4::interval)
	AND ` + leadership.Fence + `
	ORDER BY j.id LIMIT 10000`

// Republish implements Jobs.
func (s *Store) Republish(ctx context.Context, generation string, quiet time.Duration) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	n, err := leadership.Exec(ctx, s.db, republishSQL, generation, quiet)
	if err != nil {
		return 0, fmt.Errorf("republish: %w", err)
	}
	return n, nil
}
