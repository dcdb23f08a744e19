package faults

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/drills"
)

// ReadOnly makes Postgres refuse writes: a failover that ended on a standby, an
// operator's or a provider's guard against a full disk. Sessions stay open and
// reads are answered, so that whatever only looks finds nothing wrong.
func ReadOnly() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "read-only",
			Usage:      "read-only postgres [for=DURATION] [&]",
			Summary:    "Postgres answers reads and refuses writes, in sessions that are open too",
			Doc:        "Stands for a failover that ended on a standby, or a guard against a full disk. Sessions stay open; each write in a new transaction is refused with 25006 (read_only_sql_transaction). Proved by a write that is refused in a session from before. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      ofStore("read-only", drills.RolePostgres, "for"),
			Aims:       atLogin,
			Background: true,
		},
		New:  func(drills.Args) (drills.Fault, error) { return &readOnly{}, nil },
		Held: drills.HeldFor,
	}
}

// readOnlyTransaction is the SQLSTATE of a write that is not allowed.
const readOnlyTransaction = "25006"

const (
	setReadOnlySQL   = `ALTER SYSTEM SET default_transaction_read_only = on`
	resetReadOnlySQL = `ALTER SYSTEM RESET default_transaction_read_only`
	reloadSQL        = `SELECT pg_reload_conf()`
	// writeSQL is a write that leaves nothing behind, whatever becomes of its
	// session.
	writeSQL = `CREATE TEMPORARY TABLE drillrun_write () ON COMMIT DROP`
)

type readOnly struct {
	store  drills.Store
	before *pgx.Conn // opened before the fault
}

// Plan sees that writes are not refused now.
func (f *readOnly) Plan(ctx context.Context, t drills.Target) (undo drills.Undo, err error) {
	if f.store, err = storeOf(t.Cluster(), drills.RolePostgres); err != nil {
		return drills.Undo{}, err
	}
	conn, err := session(ctx, f.store)
	if err != nil {
		return drills.Undo{}, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	var already bool
	if err := conn.QueryRow(ctx, `SELECT current_setting('transaction_read_only')::bool`).Scan(&already); err != nil {
		return drills.Undo{}, fmt.Errorf("ask whether postgres takes writes: %w", err)
	}
	if already {
		return drills.Undo{}, errors.New("postgres is read-only already")
	}
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{f.store.Info().Name}}, nil
}

func (f *readOnly) Inject(ctx context.Context) error {
	var err error
	if f.before, err = session(ctx, f.store); err != nil {
		return err
	}
	return reconfigure(ctx, f.before, setReadOnlySQL)
}

// reconfigure changes a setting of the server. Its sessions take it up one by
// one, before their next statement.
func reconfigure(ctx context.Context, conn *pgx.Conn, sql string) error {
	for _, statement := range []string{sql, reloadSQL} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// Await wants a write to be refused in the session from before.
func (f *readOnly) Await(ctx context.Context) (drills.Evidence, error) {
	if f.before == nil {
		return nil, errors.New("there is no session from before")
	}
	err := until(ctx, "a write is refused", func(ctx context.Context) (bool, error) { return writeRefused(ctx, f.before) })
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"write_refused": readOnlyTransaction, "session_from_before": f.before.PgConn().PID()}, nil
}

func writeRefused(ctx context.Context, conn *pgx.Conn) (bool, error) {
	_, err := conn.Exec(ctx, writeSQL)
	if sqlState(err) == readOnlyTransaction {
		return true, nil
	}
	return false, err
}

// Recover sees a write taken in a session that was read-only when it began.
func (f *readOnly) Recover(ctx context.Context) (err error) {
	conn, err := session(ctx, f.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx), f.forget(ctx)) }()
	if err := reconfigure(ctx, conn, resetReadOnlySQL); err != nil {
		return err
	}
	return until(ctx, "a write is taken", func(ctx context.Context) (bool, error) {
		refused, err := writeRefused(ctx, conn)
		return !refused, err
	})
}

func (f *readOnly) forget(ctx context.Context) error {
	if f.before == nil {
		return nil
	}
	return f.before.Close(ctx)
}
