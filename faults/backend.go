package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/drills"
)

// TerminateBackend ends a session of Postgres by pg_terminate_backend: an
// administrator, a pooler that recycles, a failover of Postgres itself. The
// process that held it lives on and learns of it only by reading.
func TerminateBackend() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:    "terminate-backend",
			Usage:   "terminate-backend leader | REPLICA",
			Summary: "end the sessions by which a replica holds advisory locks in Postgres",
			Doc:     "Stands for an administrator, a pooler that recycles connections, a failover of Postgres. The process lives on. Proved by the backends, which were there before and are gone after. There is nothing to undo.",
			Check:   func(a drills.Args) error { return a.Takes(1, 1) },
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &terminateBackend{selector: a.Words[0]}, nil },
		Held: atOnce,
	}
}

// atOnce is the Held of faults that leave nothing to undo.
func atOnce(drills.Args) (time.Duration, bool) { return 0, true }

// inspector names the connections of faults; a system's own are counted apart.
const inspector = "drillrun-fault"

const (
	holdersSQL = `
		SELECT DISTINCT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted AND strpos(a.application_name, $1) > 0`
	terminateSQL = `SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid`
	aliveSQL     = `SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)`
)

type terminateBackend struct {
	selector string
	store    drills.Store
	backends []int32
}

func (f *terminateBackend) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, _, err := running(ctx, t, f.selector)
	if err != nil {
		return drills.Undo{}, err
	}
	if f.store, err = storeOf(t.Cluster(), drills.RolePostgres); err != nil {
		return drills.Undo{}, err
	}
	err = f.connected(ctx, func(conn *pgx.Conn) error {
		for _, p := range victims {
			if err := f.find(ctx, conn, p.Info().Name); err != nil {
				return fmt.Errorf("find the sessions of %s: %w", p.Info().Name, err)
			}
		}
		return nil
	})
	return drills.Undo{Action: drills.ActionNone, Victims: names(victims)}, err
}

func (f *terminateBackend) find(ctx context.Context, conn *pgx.Conn, replica string) error {
	rows, err := conn.Query(ctx, holdersSQL, replica)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err == nil && len(found) == 0 {
		err = errors.New("it holds no advisory lock under its name")
	}
	f.backends = append(f.backends, found...)
	return err
}

func (f *terminateBackend) Inject(ctx context.Context) error {
	return f.connected(ctx, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, terminateSQL, f.backends); err != nil {
			return fmt.Errorf("terminate backends %v: %w", f.backends, err)
		}
		return nil
	})
}

// Await watches the backends go.
func (f *terminateBackend) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.connected(ctx, func(conn *pgx.Conn) error {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			alive := 0
			if err := conn.QueryRow(ctx, aliveSQL, f.backends).Scan(&alive); err != nil {
				return fmt.Errorf("look for backends %v: %w", f.backends, err)
			}
			if alive == 0 {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%d of the backends %v are still there: %w", alive, f.backends, ctx.Err())
			case <-tick.C:
			}
		}
	})
	return drills.Evidence{"terminated_backends": f.backends}, err
}

func (f *terminateBackend) Recover(context.Context) error { return nil }

// connected runs do on a connection of its own, past all links.
func (f *terminateBackend) connected(ctx context.Context, do func(*pgx.Conn) error) (err error) {
	config, err := pgx.ParseConfig(f.store.URL(f.store.Addr()))
	if err != nil {
		return fmt.Errorf("parse the URL of postgres: %w", err)
	}
	config.RuntimeParams["application_name"] = inspector
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to postgres: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	return do(conn)
}

// storeOf is the store of that role.
func storeOf(cluster drills.Cluster, role drills.Role) (drills.Store, error) {
	for _, p := range cluster.Processes() {
		if s, ok := p.(drills.Store); ok && p.Info().Role == role {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the system has no %s", role)
}
