package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/drills"
)

// LockRows has the rows of one table of Postgres held by somebody else: a batch
// job, or a session that was left open after a SELECT FOR UPDATE. A statement
// that waits for a table has not begun; one that waits for a row is in the middle
// of its work, and goes on with what it has seen before, however much the world
// has changed meanwhile.
func LockRows() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "lock-rows",
			Usage:      "lock-rows postgres table=NAME [for=DURATION] [&]",
			Summary:    "writes to the rows that a table has now wait for somebody else, in the middle of their statement",
			Doc:        "Stands for a batch job or a session that was left open. Every row is taken that nobody writes just then. Reads are answered, and new rows can be added; an update of an old one waits until its own lock_timeout or deadline. Proved by a session of the system that waits, which is awaited: a table whose rows nobody changes proves nothing. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      ofTable("lock-rows"),
			Aims:       atLogin,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			return &lockRows{table: tableOf(a)}, nil
		},
		Held: drills.HeldFor,
	}
}

// waitsSQL names who waits for the transaction of a backend.
const waitsSQL = `SELECT application_name FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)) LIMIT 1`

type lockRows struct {
	store  drills.Store
	table  string
	holder *pgx.Conn // in a transaction that holds the locks; nil while none does
	rows   int64
}

// Plan sees that the table has rows.
func (f *lockRows) Plan(ctx context.Context, t drills.Target) (undo drills.Undo, err error) {
	if f.store, err = storeOf(t.Cluster(), drills.RolePostgres); err != nil {
		return drills.Undo{}, err
	}
	conn, err := session(ctx, f.store)
	if err != nil {
		return drills.Undo{}, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var some bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+f.table+`)`).Scan(&some); err != nil {
		return drills.Undo{}, fmt.Errorf("look for rows of %s: %w", f.table, err)
	}
	if !some {
		return drills.Undo{}, fmt.Errorf("table %s has no rows to lock", f.table)
	}
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{f.store.Info().Name}}, nil
}

// Inject waits for nobody: whoever takes many rows in an order of its own, and
// waits for some of them, ends in a deadlock with those who do the same.
func (f *lockRows) Inject(ctx context.Context) error {
	conn, err := session(ctx, f.store)
	if err != nil {
		return err
	}
	f.holder = conn
	if _, err := conn.Exec(ctx, `BEGIN`); err != nil {
		return fmt.Errorf("begin the transaction that locks rows of %s: %w", f.table, err)
	}
	locked, err := conn.Exec(ctx, `SELECT FROM `+f.table+` FOR UPDATE SKIP LOCKED`)
	if err != nil {
		return fmt.Errorf("lock the rows of %s: %w", f.table, err)
	}
	f.rows = locked.RowsAffected()
	return nil
}

// Await waits for a session that waits for one of the rows.
func (f *lockRows) Await(ctx context.Context) (evidence drills.Evidence, err error) {
	if f.rows == 0 {
		return nil, fmt.Errorf("no row of %s was locked", f.table)
	}
	look, err := session(ctx, f.store)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, look.Close(ctx)) }()
	waits := ""
	err = until(ctx, "somebody waits for a row of "+f.table, func(ctx context.Context) (bool, error) {
		err := look.QueryRow(ctx, waitsSQL, f.holder.PgConn().PID()).Scan(&waits)
		if errors.Is(err, pgx.ErrNoRows) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"table": f.table, "rows_locked": f.rows, "waits": waits}, nil
}

// Recover ends the session that holds the locks, and sees that it is gone, and
// its locks with it: the server may need a moment to notice.
func (f *lockRows) Recover(ctx context.Context) (err error) {
	if f.holder == nil {
		return nil
	}
	if err := endHolder(ctx, f.holder, f.table); err != nil {
		return err
	}
	look, err := session(ctx, f.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, look.Close(ctx)) }()
	holder := []int32{int32(f.holder.PgConn().PID())}
	return until(ctx, "the session that locks rows of "+f.table+" is gone", func(ctx context.Context) (bool, error) {
		alive := 0
		err := look.QueryRow(ctx, aliveSQL, holder).Scan(&alive)
		return alive == 0, err
	})
}
