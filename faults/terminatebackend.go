package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
			Usage:   "terminate-backend leader | leader/KEY | REPLICA",
			Summary: "end the sessions by which a replica holds advisory locks in Postgres",
			Doc:     "Stands for an administrator, a pooler that recycles connections, a failover of Postgres. The process lives on. With leader/KEY only the session goes by which that leadership is held. Proved by the backends, which were there before and are gone after. There is nothing to undo.",
			Check:   takesTarget,
			Aims: func(a drills.Args) []drills.Aim {
				return append(atReplicas(a), drills.Aim{Kind: drills.AimLogin, Name: string(drills.RolePostgres)})
			},
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &terminateBackend{selector: a.Words[0]}, nil },
		Held: atOnce,
	}
}

// atOnce is the Held of faults that leave nothing to undo.
func atOnce(drills.Args) (time.Duration, bool) { return 0, true }

const (
	holdersSQL = `
		SELECT DISTINCT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE l.locktype = 'advisory' AND l.granted
		AND EXISTS (SELECT FROM unnest($1::text[]) AS name WHERE strpos(a.application_name, name) > 0)`
	terminateSQL = `SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid`
	aliveSQL     = `SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)`
)

// handover is how long nobody may hold what is to be taken: between two leaders
// the old one is still known, and its session has gone.
const handover = time.Second

type terminateBackend struct {
	selector string
	conn     *pgx.Conn // of its own, past all links; from Plan to Recover
	backends []int32
}

// Plan finds the sessions. Its connection stays open, so that Inject is one
// statement: what it takes to connect is no part of a failover.
func (f *terminateBackend) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	store, err := storeOf(t.Cluster(), drills.RolePostgres)
	if err != nil {
		return drills.Undo{}, err
	}
	if f.conn, err = session(ctx, store); err != nil {
		return drills.Undo{}, err
	}
	patience := time.Now().Add(handover)
	undo := drills.Undo{Action: drills.ActionNone}
	var missing error
	err = until(ctx, "there are sessions to end", func(ctx context.Context) (bool, error) {
		victims, _, err := running(ctx, t, f.selector)
		if err != nil {
			return false, err
		}
		undo.Victims, f.backends = names(victims), nil
		missing = f.find(ctx, t.Cluster(), &undo)
		return missing == nil || time.Now().After(patience), nil
	})
	if err = errors.Join(err, missing); err != nil {
		return drills.Undo{}, errors.Join(err, f.Recover(ctx))
	}
	return undo, nil
}

// find finds the sessions of the victims, or the one of the leadership that is
// meant alone.
func (f *terminateBackend) find(ctx context.Context, c drills.Cluster, undo *drills.Undo) error {
	if key, one := strings.CutPrefix(f.selector, "leader/"); one {
		undo.Leadership = key
		return f.findOne(ctx, c, key)
	}
	return f.findAll(ctx, c, undo.Victims)
}

func (f *terminateBackend) findAll(ctx context.Context, c drills.Cluster, replicas []string) error {
	for _, name := range replicas {
		called := []string{name}
		if aliased, ok := byName(c, name).(drills.Aliased); ok {
			called = append(called, aliased.Aliases()...)
		}
		if err := f.findHeld(ctx, called); err != nil {
			return fmt.Errorf("find the sessions of %s: %w", name, err)
		}
	}
	return nil
}

// findOne asks the system for the session of one leadership.
func (f *terminateBackend) findOne(ctx context.Context, c drills.Cluster, key string) error {
	reporter, ok := c.(drills.LeaderReporter)
	if !ok {
		return fmt.Errorf("%w: the system names no holders of leaderships", drills.ErrUnsupported)
	}
	all, err := reporter.Leaderships(ctx)
	if err != nil {
		return fmt.Errorf("find the session of leadership %s: %w", key, err)
	}
	for _, l := range all {
		if l.Key == key && l.Session != 0 {
			f.backends = []int32{l.Session}
			return nil
		}
	}
	return fmt.Errorf("find the session of leadership %s: nobody holds it by one", key)
}

// findHeld finds the sessions of the replica that has these names.
func (f *terminateBackend) findHeld(ctx context.Context, called []string) error {
	rows, err := f.conn.Query(ctx, holdersSQL, called)
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
	if _, err := f.conn.Exec(ctx, terminateSQL, f.backends); err != nil {
		return fmt.Errorf("terminate backends %v: %w", f.backends, err)
	}
	return nil
}

// Await watches the backends go.
func (f *terminateBackend) Await(ctx context.Context) (drills.Evidence, error) {
	err := until(ctx, fmt.Sprintf("the backends %v are gone", f.backends), func(ctx context.Context) (bool, error) {
		alive := 0
		err := f.conn.QueryRow(ctx, aliveSQL, f.backends).Scan(&alive)
		return alive == 0, err
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"terminated_backends": f.backends}, nil
}

// Recover has nothing to undo but its own connection.
func (f *terminateBackend) Recover(ctx context.Context) error {
	if f.conn == nil || f.conn.IsClosed() {
		return nil
	}
	return f.conn.Close(ctx)
}
