package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
)

const (
	batch  = 500
	poll   = 25 * time.Millisecond
	linger = 2 * time.Millisecond // after a wake-up, for others to join the batch
)

// Publisher is where the relay moves the outbox to.
type Publisher interface {
	// Publish appends an entry per job to the lane of its kind, all or none,
	// in order within a lane, and returns the generation of the queue in which
	// that happened.
	Publish(ctx context.Context, jobs []queue.Job) (generation string, err error)
}

// Relay is the leader's singleton.
type Relay struct {
	Outbox    Outbox
	Publisher Publisher
	Woken     <-chan struct{} // a submission was committed at this replica
	Metrics   *metrics.Set
	Log       *slog.Logger
}

var _ leadership.Singleton = (*Relay)(nil)

// Name implements leadership.Singleton.
func (*Relay) Name() string { return "relay" }

// Run implements leadership.Singleton.
func (r *Relay) Run(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		n, err := r.move(ctx)
		switch {
		case errors.Is(err, leadership.ErrTermLost):
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Metrics.Failure("relay")
			r.Log.Warn("relay failed, trying again", "err", err)
			if backoff.Stores().Wait(ctx, failures) != nil {
				return nil
			}
			failures++
		case n < batch:
			failures = 0
			r.rest(ctx)
		}
	}
	return nil
}

// move publishes and marks one batch and returns its size.
func (r *Relay) move(ctx context.Context) (int, error) {
	rows, err := r.Outbox.Due(ctx, batch)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	if err := leadership.Check(ctx); err != nil {
		return 0, err
	}
	jobs := make([]queue.Job, len(rows))
	for i, row := range rows {
		jobs[i] = queue.Job{ID: row.Job, Kind: row.Kind}
	}
	generation, err := r.Publisher.Publish(ctx, jobs)
	if err != nil {
		return 0, fmt.Errorf("publish outbox: %w", err)
	}
	if err := r.mark(ctx, rows, generation); err != nil {
		return 0, err
	}
	r.Metrics.Published(len(rows))
	return len(rows), nil
}

// mark repeats the mark alone: what has been published would be published
// again with every other attempt, for as long as Postgres takes no writes.
func (r *Relay) mark(ctx context.Context, rows []Row, generation string) error {
	temporary := func(err error) bool { return !errors.Is(err, leadership.ErrTermLost) }
	return backoff.Stores().Retry(ctx, temporary, func(ctx context.Context) error {
		err := r.Outbox.Mark(ctx, rows, generation)
		if err != nil {
			r.Metrics.Failure("relay")
			r.Log.Warn("marking failed", "rows", len(rows), "err", err)
		}
		return err
	})
}

// rest waits for a wake-up or the next poll.
func (r *Relay) rest(ctx context.Context) {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
		return
	case <-r.Woken:
	}
	timer.Reset(linger)
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
