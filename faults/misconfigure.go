package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// Misconfigure starts replicas again with one variable of their environment
// changed to what they cannot take: a slip in a deployment. A sound replica
// refuses to start, and ends with a status by which its supervisor learns of it.
func Misconfigure() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:    "misconfigure",
			Usage:   "misconfigure leader | follower | any | all | REPLICA set=NAME=VALUE",
			Summary: "SIGKILL, then start again with a variable that the replica cannot take",
			Doc:     "Stands for a slip in a deployment. Proved by the end of the victim's process, which nobody asked for; the evidence has its exit code. A victim that goes on all the same proves nothing. Undone by \"start victim\", with the environment that it had; at the latest when the drill drains.",
			Check: func(a drills.Args) error {
				if err := takesTargetWith(a, "set"); err != nil {
					return err
				}
				if name, _, ok := strings.Cut(a.Option("set", ""), "="); !ok || name == "" {
					return errors.New("it needs a variable: write set=NAME=VALUE")
				}
				return nil
			},
			Aims: atReplicas,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			return &misconfigure{selector: a.Words[0], variable: a.Option("set", ""), exits: map[string]int{}}, nil
		},
	}
}

type misconfigure struct {
	selector string
	variable string // NAME=VALUE
	victims  []drills.Process

	mu    sync.Mutex
	armed bool           // the victims run with that variable
	exits map[string]int // codes, by victim
}

func (f *misconfigure) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.victims, _, err = running(ctx, t, f.selector); err != nil {
		return drills.Undo{}, err
	}
	for _, p := range f.victims {
		_, configurable := p.(drills.Configurable)
		if _, tells := p.(drills.Exiter); !configurable || !tells {
			return drills.Undo{}, fmt.Errorf("misconfigure %s: %w", p.Info().Name, drills.ErrUnsupported)
		}
	}
	return drills.Undo{Action: drills.ActionStart, Victims: names(f.victims)}, nil
}

func (f *misconfigure) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "misconfigure", func(ctx context.Context, p drills.Process) error {
		if err := p.Kill(ctx); err != nil {
			return err
		}
		// The end by the kill has been told to those who asked before.
		p.(drills.Exiter).OnExit(func(x drills.Exit) { f.ended(p.Info().Name, x) })
		p.(drills.Configurable).Configure(f.variable)
		f.arm(true)
		return p.Start(ctx)
	})
}

// arm says what the variable is now, and returns what it was: set or not.
func (f *misconfigure) arm(armed bool) (before bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, f.armed = f.armed, armed
	return before
}

func (f *misconfigure) ended(name string, x drills.Exit) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.armed {
		f.exits[name] = x.Code
	}
}

// Await wants every victim to end by itself.
func (f *misconfigure) Await(ctx context.Context) (drills.Evidence, error) {
	err := until(ctx, "every victim has ended by itself", func(context.Context) (bool, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return len(f.exits) == len(f.victims), nil
	})
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return drills.Evidence{"set": f.variable, "exit_codes": maps.Clone(f.exits)}, nil
}

// Recover gives the victims their own environment back. Those that went on
// with the other one are killed first.
func (f *misconfigure) Recover(ctx context.Context) error {
	armed := f.arm(false)
	err := together(ctx, f.victims, "set right", func(ctx context.Context, p drills.Process) error {
		p.(drills.Configurable).Configure()
		if !armed {
			return nil
		}
		if err := p.Kill(ctx); !errors.Is(err, drills.ErrNotRunning) {
			return err
		}
		return nil
	})
	return errors.Join(err, startAll(ctx, f.victims))
}
