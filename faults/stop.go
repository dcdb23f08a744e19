package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Terminate asks processes to stop with SIGTERM and waits until they have: a
// deployment, a node that is drained. A graceful system hands over before it
// goes. A victim that has not gone when its grace is over is killed, which the
// evidence says.
func Terminate() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:    "terminate",
			Usage:   "terminate leader | follower | any | all | REPLICA | STORE",
			Summary: "SIGTERM, or the request that the system has for it: the process is asked to stop, and may hand over before it does",
			Doc:     "Stands for a deployment or a drained node. Proved by the end of the victim's process; the evidence has what asked it, its exit code, the signal that ended it if any, and how long it took. Undone by \"start victim\"; at the latest when the drill drains.",
			Check:   takesTarget,
			Aims:    atTarget,
		},
		New: func(a drills.Args) (drills.Fault, error) { return &stop{selector: a.Words[0]}, nil },
	}
}

// Restart asks processes to stop and starts them again: an upgrade, a change
// of settings. For Postgres it is a fast shutdown, which ends every session.
func Restart() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "restart",
			Usage:      "restart leader | follower | any | all | REPLICA | STORE [down=DURATION] [&]",
			Summary:    "SIGTERM (for Postgres, a fast shutdown), then start again after down=",
			Doc:        "Stands for an upgrade or a change of settings. Proved by the end of the victim's process; recovered once it is started again and, for a store, takes connections.",
			Check:      takesTargetAndDown,
			Aims:       atTarget,
			Background: true,
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &stop{selector: a.Words[0]}, nil },
		Held: down,
	}
}

// Crash ends processes with SIGKILL and starts them again: a supervisor that
// restarts what has crashed.
func Crash() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "crash",
			Usage:      "crash leader | follower | any | all | REPLICA | STORE [down=DURATION] [&]",
			Summary:    "SIGKILL (for Postgres, with all its backends), then start again after down=",
			Doc:        "Stands for a crash with a supervisor that starts it again. A store recovers from what it had written. Proved by the victim's pid, which ran before and has been reaped after; recovered once it is started again and, for a store, takes connections.",
			Check:      takesTargetAndDown,
			Aims:       atTarget,
			Background: true,
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &kill{selector: a.Words[0]}, nil },
		Held: down,
	}
}

// briefly is how long a restarted process is down where the script says
// nothing.
const briefly = 200 * time.Millisecond

func takesTargetAndDown(a drills.Args) error {
	if err := takesTargetWith(a, "down"); err != nil {
		return err
	}
	_, err := a.Duration("down", briefly)
	return err
}

func down(a drills.Args) (time.Duration, bool) {
	d, err := a.Duration("down", briefly)
	return d, err == nil
}

type stop struct {
	selector string
	victims  []drills.Process

	mu    sync.Mutex
	exits map[string]any // by victim
}

func (f *stop) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.victims, _, err = running(ctx, t, f.selector); err != nil {
		return drills.Undo{}, err
	}
	for _, p := range f.victims {
		if _, ok := p.(drills.Terminator); !ok {
			return drills.Undo{}, fmt.Errorf("terminate %s: %w", p.Info().Name, drills.ErrUnsupported)
		}
	}
	f.exits = map[string]any{}
	return drills.Undo{Action: drills.ActionStart, Victims: names(f.victims)}, nil
}

func (f *stop) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "terminate", func(ctx context.Context, p drills.Process) error {
		begun := time.Now()
		exit, err := p.(drills.Terminator).Terminate(ctx)
		if err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.exits[p.Info().Name] = map[string]any{
			"code": exit.Code, "signal": exit.Signal, "took_ms": time.Since(begun).Milliseconds(), "asked_by": askedBy(p),
		}
		return nil
	})
}

func (f *stop) Await(context.Context) (drills.Evidence, error) {
	if err := gone(f.victims); err != nil {
		return nil, err
	}
	return drills.Evidence{"ended": f.exits}, nil
}

// askedBy is what a process is asked by to end.
func askedBy(p drills.Process) string {
	if asked, ok := p.(drills.Asked); ok {
		return asked.AskedBy()
	}
	return "SIGTERM"
}

func (f *stop) Recover(ctx context.Context) error { return startAll(ctx, f.victims) }

// gone says which of the processes still runs.
func gone(processes []drills.Process) error {
	for _, p := range processes {
		if info := p.Info(); info.PID != 0 {
			return fmt.Errorf("%s still runs, as pid %d", info.Name, info.PID)
		}
	}
	return nil
}

// startAll starts what does not run.
func startAll(ctx context.Context, processes []drills.Process) error {
	return together(ctx, processes, "start", func(ctx context.Context, p drills.Process) error {
		if err := p.Start(ctx); !errors.Is(err, drills.ErrRunning) {
			return err
		}
		return nil
	})
}
