package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
)

const (
	beatInterval = 500 * time.Millisecond
	// leadershipName is ours: River has one leadership for each database schema.
	leadershipName = "river"
)

// heartbeat makes the leader visible by what it does. River calls the constructors
// of periodic jobs in the leader only. Ours enqueues nothing; it has an effect
// reported, under the leadership that River's table holds just then.
type heartbeat struct {
	name    string // of this replica
	pool    *pgxpool.Pool
	witness *witness
	log     *slog.Logger
	acting  chan struct{} // holds one: a beat that cannot be reported in time is left out
}

// construct is called by River, which waits for it: so it only passes the word.
func (h *heartbeat) construct() (river.JobArgs, *river.InsertOpts) {
	select {
	case h.acting <- struct{}{}:
	default:
	}
	return nil, nil // no job to insert
}

// run reports beats until ctx ends.
func (h *heartbeat) run(ctx context.Context) {
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-h.acting:
			if err := h.beat(ctx, n); err != nil && ctx.Err() == nil {
				h.log.Warn("no beat of the leader", "error", err)
			}
		}
	}
}

// beat reports one effect of the leader. River gives periodic jobs no term, so it
// is read from the leader's row: a replica that is not named there any more, and
// has not noticed, has no term to act under. One that is superseded after it has
// read the row is refused by the witness.
func (h *heartbeat) beat(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	now, err := leads(ctx, h.pool)
	if err != nil {
		return fmt.Errorf("read who leads: %w", err)
	}
	if now.Replica != h.name {
		return fmt.Errorf("periodic jobs run here, and the leader is %q", now.Replica)
	}
	subject := fmt.Sprintf("beat/%s/%d/%d", h.name, now.Term, n)
	return h.witness.report(ctx, effect{Subject: subject, Key: subject, Kind: "fenced", Leadership: leadershipName, Term: now.Term})
}
