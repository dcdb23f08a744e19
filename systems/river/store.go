package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

const (
	// There are two pools, as where jobs are inserted by one program and worked by
	// another: what happens to a connection of one says nothing of the other.
	riverConns = 10 // for River and its worker
	ownConns   = 6  // for our own questions, and for jobs that come in
	// setupLock is the advisory lock under which one replica at a time sets up.
	setupLock = 7_410_815
)

// effectsTable has one row for each effect that was committed. Nothing in it is
// unique: an effect that took place twice is to be seen, not refused.
const effectsTable = `CREATE TABLE IF NOT EXISTS effects (
	job_id   bigint NOT NULL,
	attempt  integer NOT NULL,
	replica  text NOT NULL,
	at       timestamptz NOT NULL DEFAULT clock_timestamp()
)`

func openPool(ctx context.Context, url string, conns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read DATABASE_URL: %w", err)
	}
	config.MaxConns = conns
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool: %w", err)
	}
	return pool, nil
}

// prepare brings River's tables and our own up to date. Replicas start together:
// one of them does it, and the others find it done.
func prepare(ctx context.Context, pool *pgxpool.Pool) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", setupLock); err != nil {
		return fmt.Errorf("wait for others that set up: %w", err)
	}
	defer func() {
		_, unlock := conn.Exec(ctx, "SELECT pg_advisory_unlock($1)", setupLock)
		err = errors.Join(err, unlock)
	}()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("read River's migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate River: %w", err)
	}
	if _, err := conn.Exec(ctx, effectsTable); err != nil {
		return fmt.Errorf("create the table of effects: %w", err)
	}
	return nil
}

// stateOf reads the state of a job by its key. River keeps jobs for a day once they
// are done with, and has an index of their arguments.
func stateOf(ctx context.Context, pool *pgxpool.Pool, key string) (state rivertype.JobState, err error) {
	err = pool.QueryRow(ctx,
		"SELECT state FROM river_job WHERE kind = $1 AND args @> jsonb_build_object('key', $2::text)", task{}.Kind(), key).Scan(&state)
	return state, err
}

// leadership is River's word for who leads.
type leadership struct {
	Replica string `json:"replica"`
	Term    int64  `json:"term"` // when it was elected, in microseconds, by the clock of Postgres
}

// leads reads the leader's row. Without one there is no leader, and no name.
func leads(ctx context.Context, pool *pgxpool.Pool) (leadership, error) {
	var l leadership
	err := pool.QueryRow(ctx,
		"SELECT leader_id, (extract(epoch FROM elected_at) * 1000000)::bigint FROM river_leader").Scan(&l.Replica, &l.Term)
	if errors.Is(err, pgx.ErrNoRows) {
		return leadership{}, nil
	}
	return l, err
}

// counts is what the stores say, by the names that drills know.
type counts struct {
	Unfinished     int64 `json:"unfinished"`      // jobs that River has not done with: the next two together
	Pending        int64 `json:"pending"`         // those in the hands of a worker, dead or alive
	Queued         int64 `json:"queued"`          // those that wait for one
	DeadLetters    int64 `json:"dead_letters"`    // jobs given up, by River or because the worker said so
	OwnedWrites    int64 `json:"owned_writes"`    // effects that were committed with a completion
	UnfencedWrites int64 `json:"unfenced_writes"` // those of an attempt that was not the job's last, or one too many
	Connections    int64 `json:"connections"`     // to Postgres, of all replicas
	Goroutines     int64 `json:"goroutines"`      // of this replica
}

func inspect(ctx context.Context, pool *pgxpool.Pool) (counts, error) {
	c := counts{Goroutines: int64(runtime.NumGoroutine())}
	err := pool.QueryRow(ctx, `
		SELECT count(*) FILTER (WHERE finalized_at IS NULL),
		       count(*) FILTER (WHERE state = 'running'),
		       count(*) FILTER (WHERE finalized_at IS NULL AND state <> 'running'),
		       count(*) FILTER (WHERE state IN ('discarded', 'cancelled')),
		       (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend')
		FROM river_job`,
	).Scan(&c.Unfinished, &c.Pending, &c.Queued, &c.DeadLetters, &c.Connections)
	if err != nil {
		return c, fmt.Errorf("count the jobs: %w", err)
	}
	err = pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE nth > 1 OR attempt <> last)
		FROM (SELECT e.attempt, j.attempt AS last, row_number() OVER (PARTITION BY e.job_id) AS nth
		      FROM effects e JOIN river_job j ON j.id = e.job_id) AS committed`,
	).Scan(&c.OwnedWrites, &c.UnfencedWrites)
	if err != nil {
		return c, fmt.Errorf("count the effects: %w", err)
	}
	return c, nil
}
