package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	columns = `id, key, kind, subject, payload, state, attempt, failures,
		coalesce(owner, ''), coalesce(error, ''), created_at`

	// One statement, so one transaction and one round trip. There is no
	// NOTIFY in it: its queue lock would make all submissions commit one by one.
	submitSQL = `
		WITH job AS (
			INSERT INTO jobs (key, kind, subject, payload) VALUES ($1, $2, $3, $4)
			ON CONFLICT (key) DO NOTHING
			RETURNING ` + columns + `
		), announced AS (
			INSERT INTO outbox (job_id) SELECT id FROM job
		)
		SELECT * FROM job`

	sameSQL = `
		SELECT ` + columns + `, kind = $2 AND subject = $3 AND payload = $4
		FROM jobs WHERE key = $1`
)

// Store keeps jobs in Postgres.
type Store struct {
	pool  *pgxpool.Pool
	limit time.Duration
}

// NewStore returns a store that gives each call at most limit.
func NewStore(pool *pgxpool.Pool, limit time.Duration) *Store {
	return &Store{pool: pool, limit: limit}
}

// Submit writes a job and its outbox row, or finds the job that the same
// submission has made before (created is false). Once sent, it finishes even
// if ctx ends, and has a limit of its own: a statement cut short by what the
// wait for a connection has left of one would cost that connection, too.
// Errors: ErrInvalid, ErrConflict and ErrNotWritten leave nothing behind; any
// other leaves the outcome open.
func (s *Store) Submit(ctx context.Context, sub Submission) (job Job, created bool, err error) {
	sub, err = sub.Normalize()
	if err != nil {
		return Job{}, false, err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return Job{}, false, fmt.Errorf("submit %s: %w: %w", sub.Key, ErrNotWritten, err)
	}
	defer conn.Release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limit)
	defer cancel()
	job, err = scan(conn.QueryRow(ctx, submitSQL, sub.Key, sub.Kind, sub.Subject, sub.Payload))
	switch {
	case err == nil:
		return job, true, nil
	case errors.Is(err, pgx.ErrNoRows):
		job, err = s.existing(ctx, conn, sub)
		return job, false, err
	case badData(err):
		return Job{}, false, fmt.Errorf("%w: %w", ErrInvalid, err)
	case refused(err):
		return Job{}, false, fmt.Errorf("submit %s: %w: %w", sub.Key, ErrNotWritten, err)
	}
	return Job{}, false, fmt.Errorf("submit %s: %w", sub.Key, err)
}

// acquire waits for a connection no longer than whoever asked: work for clients
// that have gone would keep a pool busy that has just got its server back.
func (s *Store) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	return s.pool.Acquire(ctx)
}

func (s *Store) existing(ctx context.Context, conn *pgxpool.Conn, sub Submission) (Job, error) {
	var same bool
	job, err := scan(conn.QueryRow(ctx, sameSQL, sub.Key, sub.Kind, sub.Subject, sub.Payload), &same)
	if err != nil {
		return Job{}, fmt.Errorf("find job of key %s: %w", sub.Key, err)
	}
	if !same {
		return Job{}, fmt.Errorf("key %s: %w", sub.Key, ErrConflict)
	}
	return job, nil
}

// Get returns one job, or ErrNotFound.
func (s *Store) Get(ctx context.Context, id int64) (Job, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	job, err := scan(s.pool.QueryRow(ctx, `SELECT `+columns+` FROM jobs WHERE id = $1`, id))
	if errors.Is(err, pgx.ErrNoRows) {
		return Job{}, fmt.Errorf("job %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return Job{}, fmt.Errorf("read job %d: %w", id, err)
	}
	return job, nil
}

// Find returns the job of that key, or ErrNotFound.
func (s *Store) Find(ctx context.Context, key string) (Job, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	job, err := scan(s.pool.QueryRow(ctx, `SELECT `+columns+` FROM jobs WHERE key = $1`, key))
	if errors.Is(err, pgx.ErrNoRows) {
		return Job{}, fmt.Errorf("job of key %s: %w", key, ErrNotFound)
	}
	if err != nil {
		return Job{}, fmt.Errorf("find job of key %s: %w", key, err)
	}
	return job, nil
}

// List returns at most limit jobs with an id above after, in id order: those
// in one state, or all where state is empty.
func (s *Store) List(ctx context.Context, state State, after int64, limit int) ([]Job, error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	rows, err := s.pool.Query(ctx, `
		SELECT `+columns+` FROM jobs
		WHERE id > $1 AND ($2 = '' OR state = $2)
		ORDER BY id LIMIT $3`, after, string(state), limit)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Job, error) { return scan(row) })
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return list, nil
}

// Counts are how many jobs are neither done nor dead, dead letters, rows of the
// outbox that are not published, and those that the reconciler added.
type Counts struct {
	Unfinished  int64 `json:"unfinished"`
	DeadLetters int64 `json:"dead_letters"`
	Outbox      int64 `json:"outbox"`
	Republished int64 `json:"republished"`
}

// Counts counts them in one look.
func (s *Store) Counts(ctx context.Context) (c Counts, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.limit)
	defer cancel()
	err = s.pool.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM jobs WHERE state NOT IN ('done', 'dead')),
		       (SELECT count(*) FROM dead_letters),
		       (SELECT count(*) FROM outbox WHERE published_at IS NULL),
		       (SELECT count(*) FROM outbox WHERE enqueued_term IS NOT NULL)`).
		Scan(&c.Unfinished, &c.DeadLetters, &c.Outbox, &c.Republished)
	if err != nil {
		return Counts{}, fmt.Errorf("count jobs: %w", err)
	}
	return c, nil
}

func scan(row pgx.Row, more ...any) (Job, error) {
	var j Job
	err := row.Scan(append([]any{&j.ID, &j.Key, &j.Kind, &j.Subject, &j.Payload, &j.State, &j.Attempt, &j.Failures,
		&j.Owner, &j.Error, &j.CreatedAt}, more...)...)
	return j, err
}

// badData says whether Postgres refused the values themselves (class 22): JSON
// that jsonb cannot hold, such as \u0000.
func badData(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22")
}

// refused says whether Postgres ended the statement with an ERROR, which rolls
// it back. FATAL says less: a session can also be ended just after its commit.
func refused(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.SeverityUnlocalized == "ERROR"
}
