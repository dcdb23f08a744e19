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

// nonatomicDeadletter gives a job up by one call and writes its dead letter by
// the next. The other order would write letters twice; the reference's schema
// would refuse the second.
func nonatomicDeadletter() Defect {
	return Defect{
		Name:      "nonatomic-deadletter",
		Wrong:     "a job is given up by one call, and its dead letter is written by another",
		Origin:    cloudReview,
		Symptom:   "a job that is neither done nor among the dead letters, after a kill between the two",
		Gate:      "lost",
		Scenarios: []string{"poison-kill"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			b := burial{pool: d.Pool, limit: c.TTL / 2}
			buriedBy(p, func(ctx context.Context, e ledger.Execution, reason string) error {
				if err := b.giveUp(ctx, e, reason); err != nil {
					return err
				}
				return b.write(ctx, e, reason)
			})
		},
	}
}

// deadletterErrorIgnored writes the dead letter first, and goes on whether or
// not that has worked.
func deadletterErrorIgnored() Defect {
	return Defect{
		Name:      "deadletter-error-ignored",
		Wrong:     "the error of writing a dead letter is dropped, and the entry acknowledged",
		Origin:    cloudReview,
		Symptom:   "a job that is neither done nor among the dead letters, after their table was locked for a moment",
		Gate:      "lost",
		Scenarios: []string{"poison-locked"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			b := burial{pool: d.Pool, limit: c.TTL / 2}
			buriedBy(p, func(ctx context.Context, e ledger.Execution, reason string) error {
				if err := b.write(ctx, e, reason); err != nil {
					d.Log.Debug("dead letter not written", "err", err)
				}
				return b.giveUp(ctx, e, reason)
			})
		},
	}
}

// buries gives jobs up in a way of its own.
type buries struct {
	worker.Ledger
	bury func(ctx context.Context, e ledger.Execution, reason string) error
}

// buriedBy has every lane give jobs up by bury.
func buriedBy(p *controlplane.Parts, bury func(ctx context.Context, e ledger.Execution, reason string) error) {
	for _, lane := range p.Lanes {
		lane.Ledger = buries{lane.Ledger, bury}
	}
}

// Fail leaves what is tried again to the sound ledger.
func (l buries) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	if f.Retry {
		return l.Ledger.Fail(ctx, e, f)
	}
	return jobs.Dead, l.bury(ctx, e, f.Reason)
}

// burial is the end of a job in two calls, each of which can be repeated.
type burial struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

func (b burial) giveUp(ctx context.Context, e ledger.Execution, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	tag, err := b.pool.Exec(ctx, `
		UPDATE jobs SET state = 'dead', failures = $4, error = $3, closed_by_token = token
		WHERE id = $1 AND token = $2::uuid AND state IN ('running', 'dead')`, e.Job, e.Token, reason, e.Failures+1)
	switch {
	case err != nil:
		return fmt.Errorf("give up job %d: %w", e.Job, err)
	case tag.RowsAffected() == 0:
		return fmt.Errorf("give up job %d: %w", e.Job, ledger.ErrLost)
	}
	return nil
}

func (b burial) write(ctx context.Context, e ledger.Execution, reason string) error {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	_, err := b.pool.Exec(ctx, `
		INSERT INTO dead_letters (job_id, key, kind, attempt, token, reason)
		VALUES ($1, $2, $3, $4, $5::uuid, $6) ON CONFLICT (job_id) DO NOTHING`,
		e.Job, e.Key, e.Kind, e.Attempt, e.Token, reason)
	if err != nil {
		return fmt.Errorf("write the dead letter of job %d: %w", e.Job, err)
	}
	return nil
}
