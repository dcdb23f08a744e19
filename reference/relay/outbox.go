package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/reference/leadership"
)

// Row is an outbox row that is due.
type Row struct {
	ID   int64
	Job  int64
	Kind string // of the job
}

// Outbox is what the relay moves.
type Outbox interface {
	// Due returns at most n rows that are due and not published, by id.
	Due(ctx context.Context, n int) ([]Row, error)
	// Mark marks rows as published in a generation of the queue, under the
	// lease in ctx. ErrTermLost says that nothing was marked.
	Mark(ctx context.Context, rows []Row, generation string) error
}

// Store is the Outbox in Postgres.
type Store struct {
	db    leadership.DB
	limit time.Duration
}

var _ Outbox = (*Store)(nil)

// NewStore returns a store that gives each call at most limit.
func NewStore(db leadership.DB, limit time.Duration) *Store {
	return &Store{db: db, limit: limit}
}

// dueSQL looks each kind up by itself: for a join, the planner may think of
// reading all jobs.
const dueSQL = `
	SELECT id, job_id, (SELECT kind FROM jobs j WHERE j.id = o.job_id) FROM outbox o
	WHERE published_at IS NULL AND available_at <= clock_timestamp()
	ORDER BY id LIMIT $1`

// Due implements Outbox.
func (s *Store) Due(ctx context.Context, n int) ([]Row, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	rows, err := s.db.Query(ctx, dueSQL, n)
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Row])
	if err != nil {
		return nil, fmt.Errorf("read outbox: %w", err)
	}
	return due, nil
}

const markSQL = `
	UPDATE outbox SET published_at = clock_timestamp(), published_term = $2, published_generation = $4
	WHERE id = ANY ($3) AND published_at IS NULL AND ` + leadership.Fence

// Mark implements Outbox.
func (s *Store) Mark(ctx context.Context, rows []Row, generation string) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	if _, err := leadership.Exec(ctx, s.db, markSQL, ids, generation); err != nil {
		return fmt.Errorf("mark %d outbox rows: %w", len(ids), err)
	}
	return nil
}
