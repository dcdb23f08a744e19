package faults

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/drills"
)

// LockTable has one table of Postgres refuse writes by keeping them waiting: a
// migration or a VACUUM FULL in the middle of the day, an operator's session that
// was left open. All other tables work, so that whoever takes a write to this one
// for granted goes on without it.
func LockTable() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "lock-table",
			Usage:      "lock-table postgres table=NAME [for=DURATION] [&]",
			Summary:    "writes to one table wait for a lock that somebody else holds",
			Doc:        "Stands for a migration, a VACUUM FULL or a session that was left open. Reads are answered, and so are writes to other tables; a write to this one waits until its own lock_timeout or deadline. Proved by a session that does not get the lock which every write needs. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      ofTable("lock-table"),
			Aims:       atLogin,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			return &lockTable{table: tableOf(a)}, nil
		},
		Held: drills.HeldFor,
	}
}

// tableName is a table's name, perhaps with its schema's.
var tableName = regexp.MustCompile(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$`)

// ofTable is the check of a fault that one table of Postgres has.
func ofTable(fault string) func(drills.Args) error {
	store := ofStore(fault, drills.RolePostgres, "table", "for")
	return func(a drills.Args) error {
		if err := store(a); err != nil {
			return err
		}
		if !tableName.MatchString(a.Options["table"]) {
			return errors.New("it needs a table: write table=NAME")
		}
		return nil
	}
}

// tableOf is the table that was asked for, as statements have it.
func tableOf(a drills.Args) string {
	return pgx.Identifier(strings.Split(a.Options["table"], ".")).Sanitize()
}

// lockNotAvailable is the SQLSTATE of a lock that was not given.
const lockNotAvailable = "55P03"

type lockTable struct {
	store  drills.Store
	table  string
	holder *pgx.Conn // in a transaction that holds the lock; nil while none does
}

// Plan sees that there is such a table, and that a write to it could begin now.
func (f *lockTable) Plan(ctx context.Context, t drills.Target) (undo drills.Undo, err error) {
	if f.store, err = storeOf(t.Cluster(), drills.RolePostgres); err != nil {
		return drills.Undo{}, err
	}
	blocked, err := f.blocked(ctx)
	if err != nil {
		return drills.Undo{}, err
	}
	if blocked {
		return drills.Undo{}, fmt.Errorf("table %s is locked already", f.table)
	}
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{f.store.Info().Name}}, nil
}

// Inject waits for the writes that are under way, as everybody must.
func (f *lockTable) Inject(ctx context.Context) error {
	conn, err := session(ctx, f.store)
	if err != nil {
		return err
	}
	f.holder = conn
	for _, sql := range []string{`BEGIN`, `LOCK TABLE ` + f.table + ` IN EXCLUSIVE MODE`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func (f *lockTable) Await(ctx context.Context) (drills.Evidence, error) {
	blocked, err := f.blocked(ctx)
	if err != nil {
		return nil, err
	}
	if !blocked {
		return nil, fmt.Errorf("a write to %s could begin", f.table)
	}
	return drills.Evidence{"table": f.table, "writers_wait": lockNotAvailable}, nil
}

// blocked asks for what a write needs, and does not wait for it.
func (f *lockTable) blocked(ctx context.Context) (blocked bool, err error) {
	conn, err := session(ctx, f.store)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	_, err = conn.Exec(ctx, `BEGIN; LOCK TABLE `+f.table+` IN ROW EXCLUSIVE MODE NOWAIT; ROLLBACK`)
	if sqlState(err) == lockNotAvailable {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("ask for the lock of a write to %s: %w", f.table, err)
	}
	return false, nil
}

// Recover ends the session that holds the lock, and sees that a write could
// begin: the server may need a moment to notice.
func (f *lockTable) Recover(ctx context.Context) error {
	if err := endHolder(ctx, f.holder, f.table); err != nil {
		return err
	}
	return until(ctx, "a write to "+f.table+" can begin", func(ctx context.Context) (bool, error) {
		blocked, err := f.blocked(ctx)
		return !blocked, err
	})
}

// endHolder ends the session that holds locks, if there is one.
func endHolder(ctx context.Context, holder *pgx.Conn, table string) error {
	if holder == nil || holder.IsClosed() {
		return nil
	}
	if err := holder.Close(ctx); err != nil {
		return fmt.Errorf("end the session that locks %s: %w", table, err)
	}
	return nil
}
