package kinds

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/ledger"
)

// Steps is the record of the steps that jobs have finished.
type Steps interface {
	// Finished returns how many steps of a job are finished: the first ones,
	// as each follows the one before.
	Finished(ctx context.Context, job int64) (int, error)
	// Finish records that an execution has finished a step, with its result.
	// It can be repeated. ledger.ErrLost says that the execution is not in
	// force, and that nothing was written.
	Finish(ctx context.Context, e ledger.Execution, step int, result json.RawMessage) error
	// Conclude is Finish for the last step, and leaves the job's resource.
	Conclude(ctx context.Context, e ledger.Execution, step int, result json.RawMessage, size int) error
}

// Store is the Steps in Postgres.
type Store struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

var _ Steps = (*Store)(nil)

// NewStore returns a store that gives each call at most limit.
func NewStore(pool *pgxpool.Pool, limit time.Duration) *Store {
	return &Store{pool: pool, limit: limit}
}

// Finished implements Steps.
func (s *Store) Finished(ctx context.Context, job int64) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var n int
	err := s.pool.QueryRow(ctx, `SELECT count(*) FROM job_steps WHERE job_id = $1`, job).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the finished steps of job %d: %w", job, err)
	}
	return n, nil
}

const (
	// recorded begins a statement that finishes a step. The lock keeps the job
	// from being taken over until the statement is done; without it, a write
	// that has seen a token in force could be committed when it no longer is.
	recorded = `
	WITH live AS (
		SELECT id, kind, key FROM jobs WHERE id = $1 AND token = $2::uuid AND state = 'running' FOR SHARE
	), step AS (
		INSERT INTO job_steps (job_id, step, token, result) SELECT id, $3, $2::uuid, $4 FROM live
		ON CONFLICT (job_id, step) DO NOTHING
	)`

	finishSQL = recorded + `
	SELECT count(*) FROM live`

	concludeSQL = recorded + `, resource AS (
		INSERT INTO resources (kind, name, job_id, size) SELECT kind, kind || '/' || key, id, $5 FROM live
		ON CONFLICT (name) DO NOTHING
	)
	SELECT count(*) FROM live`
)

// Finish implements Steps.
func (s *Store) Finish(ctx context.Context, e ledger.Execution, step int, result json.RawMessage) error {
	return s.finish(ctx, e, step, finishSQL, e.Job, e.Token, step, result)
}

// Conclude implements Steps.
func (s *Store) Conclude(ctx context.Context, e ledger.Execution, step int, result json.RawMessage, size int) error {
	return s.finish(ctx, e, step, concludeSQL, e.Job, e.Token, step, result, size)
}

func (s *Store) finish(ctx context.Context, e ledger.Execution, step int, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	var live int
	err := s.pool.QueryRow(ctx, sql, args...).Scan(&live)
	if err == nil && live == 0 {
		err = ledger.ErrLost
	}
	if err != nil {
		return fmt.Errorf("finish step %d of job %d, attempt %d: %w", step, e.Job, e.Attempt, err)
	}
	return nil
}
