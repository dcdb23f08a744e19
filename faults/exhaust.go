package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/drills"
)

// Exhaust takes every connection of Postgres that is left: a neighbour that
// leaks them, a pool that was sized for another server. Sessions that are open
// go on; who needs one more is refused at once, and with it every process that
// starts or has lost its own.
func Exhaust() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "exhaust",
			Usage:      "exhaust postgres [for=DURATION] [&]",
			Summary:    "every connection of Postgres that is left is taken; one more is refused",
			Doc:        "Stands for a neighbour that leaks connections or a pool that is too large. Sessions that are open go on; a new one is refused with 53300 (too_many_connections), also that of a superuser, and a slot that somebody gives up is taken as well. Proved by the number of connections taken and the refusal of one more. Undone after for=, by \"heal\", or when the drill drains.",
			Check:      ofStore("exhaust", drills.RolePostgres, "for"),
			Aims:       atLogin,
			Background: true,
		},
		New:  func(drills.Args) (drills.Fault, error) { return &exhaust{}, nil },
		Held: drills.HeldFor,
	}
}

// tooManyConnections is the SQLSTATE of a server without a free slot.
const tooManyConnections = "53300"

// retakeEvery is how long a slot that is given up stays free at most. Each try
// costs the server a process.
const retakeEvery = 20 * time.Millisecond

type exhaust struct {
	store drills.Store
	hold  *upkeep

	mu    sync.Mutex
	taken []*pgx.Conn
}

// Plan sees that a connection is granted now: a refusal afterwards is then the
// fault's doing.
func (f *exhaust) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.store, err = storeOf(t.Cluster(), drills.RolePostgres); err != nil {
		return drills.Undo{}, err
	}
	conn, err := session(ctx, f.store)
	if err != nil {
		return drills.Undo{}, err
	}
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{f.store.Info().Name}}, conn.Close(ctx)
}

func (f *exhaust) Inject(ctx context.Context) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	f.hold = keepUp(ctx, func(ctx context.Context) error {
		for rest(ctx, retakeEvery) == nil {
			if err := f.take(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
		return nil
	})
	return nil
}

// take takes connections until one more is refused.
func (f *exhaust) take(ctx context.Context) error {
	for {
		conn, err := f.oneMore(ctx)
		if conn == nil || err != nil {
			return err
		}
		f.mu.Lock()
		f.taken = append(f.taken, conn)
		f.mu.Unlock()
	}
}

// oneMore asks for a connection, and gets none where that is refused for want
// of a slot.
func (f *exhaust) oneMore(ctx context.Context) (*pgx.Conn, error) {
	conn, err := session(ctx, f.store)
	if sqlState(err) == tooManyConnections {
		return nil, nil
	}
	return conn, err
}

// Await wants one more connection to be refused. A session of the system may be
// ending at this very moment, so one that is granted is given back and asked
// for again.
func (f *exhaust) Await(ctx context.Context) (drills.Evidence, error) {
	f.mu.Lock()
	taken := len(f.taken)
	f.mu.Unlock()
	if taken == 0 {
		return nil, errors.New("no connection was taken")
	}
	err := until(ctx, "one more connection is refused", func(ctx context.Context) (bool, error) {
		conn, err := f.oneMore(ctx)
		if conn == nil || err != nil {
			return true, err
		}
		return false, conn.Close(ctx)
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{"connections_taken": taken, "one_more_refused": tooManyConnections}, nil
}

// Recover gives everything back and sees a connection granted again: the server
// frees the slots of ended sessions when it comes to it.
func (f *exhaust) Recover(ctx context.Context) error {
	errs := []error{f.hold.end(ctx)}
	f.mu.Lock()
	taken := f.taken
	f.taken = nil
	f.mu.Unlock()
	for _, conn := range taken {
		errs = append(errs, conn.Close(ctx))
	}
	err := until(ctx, "a connection is granted again", func(ctx context.Context) (bool, error) {
		conn, err := f.oneMore(ctx)
		if conn == nil || err != nil {
			return false, err
		}
		return true, conn.Close(ctx)
	})
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("give %d connections back: %w", len(taken), err)
	}
	return nil
}
