// Package cron makes every slot of an interval take effect exactly once,
// whoever leads when it is due.
//
//	slot n due ─▶ effect "cron/n" under the term ─▶ slot n recorded, fenced
//
// Slots are numbered by Postgres's clock, so replicas agree on them. The
// effect comes first: a leader that dies in between leaves the slot to its
// successor, whose effect the receiver recognises by its key. A new leader goes
// on after the last recorded slot and makes up for all that were missed, in
// order. The first leader ever records the slot before its first one, so that
// even its death in the middle of that leaves no gap.
package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
)

// Due is the slots to work on: First to Last, none where First is above Last.
type Due struct {
	First, Last int64
	Next        time.Duration // until the slot after Last begins
	New         bool          // nothing has ever been recorded
}

// Slots is the record of slots.
type Slots interface {
	// Due tells which slots have begun and are not recorded.
	Due(ctx context.Context) (Due, error)
	// Record marks a slot as done under the lease in ctx.
	Record(ctx context.Context, slot int64) error
}

// Cron is the leader's singleton.
type Cron struct {
	Slots    Slots
	Reporter effects.Reporter
	Metrics  *metrics.Set
	Log      *slog.Logger
}

var _ leadership.Singleton = (*Cron)(nil)

// Name implements leadership.Singleton.
func (*Cron) Name() string { return "cron" }

// Run implements leadership.Singleton.
func (c *Cron) Run(ctx context.Context) error {
	failures := 0
	for {
		next, err := c.catchUp(ctx)
		switch {
		case errors.Is(err, leadership.ErrTermLost):
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			c.Metrics.Failure("cron")
			c.Log.Warn("cron failed, trying again", "err", err)
			next = backoff.Stores().Delay(failures)
			failures++
		default:
			failures = 0
		}
		if backoff.Sleep(ctx, next) != nil {
			return nil
		}
	}
}

// catchUp works off every slot that has begun, in order, and returns how long
// the next one is away.
func (c *Cron) catchUp(ctx context.Context) (time.Duration, error) {
	due, err := c.Slots.Due(ctx)
	if err != nil {
		return 0, err
	}
	if due.New {
		if err := c.Slots.Record(ctx, due.First-1); err != nil {
			return 0, err
		}
	}
	for slot := due.First; slot <= due.Last; slot++ {
		if err := effects.AsHolder(ctx, c.Reporter, fmt.Sprintf("cron/%d", slot)); err != nil {
			return 0, err
		}
		if err := c.Slots.Record(ctx, slot); err != nil {
			return 0, err
		}
	}
	if due.First < due.Last {
		return 0, nil // catching up took time: look again at once
	}
	return due.Next, nil
}

// Store is Slots in Postgres.
type Store struct {
	db    leadership.DB
	every time.Duration
	limit time.Duration
}

var _ Slots = (*Store)(nil)

// NewStore returns the record for an interval, at least a millisecond. It
// gives each call at most limit.
func NewStore(db leadership.DB, every, limit time.Duration) *Store {
	return &Store{db: db, every: every, limit: limit}
}

const dueSQL = `
	WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
	SELECT now / $1, $1 - now % $1, (SELECT max(slot) FROM cron_slots WHERE every_ms = $1) FROM clock`

// Due implements Slots.
func (s *Store) Due(ctx context.Context) (Due, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var (
		d        Due
		millis   int64
		recorded *int64
	)
	if err := s.db.QueryRow(ctx, dueSQL, s.every.Milliseconds()).Scan(&d.Last, &millis, &recorded); err != nil {
		return Due{}, fmt.Errorf("read cron slots: %w", err)
	}
	d.First, d.New, d.Next = d.Last, recorded == nil, time.Duration(millis)*time.Millisecond
	if recorded != nil {
		d.First = *recorded + 1
	}
	return d, nil
}

const recordSQL = `
	INSERT INTO cron_slots (every_ms, slot, term)
	SELECT $3::bigint, $4::bigint, $2::bigint WHERE ` + leadership.Fence + `
	ON CONFLICT DO NOTHING`

// Record implements Slots. A slot that is recorded already stays as it is.
func (s *Store) Record(ctx context.Context, slot int64) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	if _, err := leadership.Exec(ctx, s.db, recordSQL, s.every.Milliseconds(), slot); err != nil {
		return fmt.Errorf("record cron slot %d: %w", slot, err)
	}
	return nil
}
