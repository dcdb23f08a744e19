package faults

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// Pause freezes processes, by SIGSTOP or the freezer of a container: a virtual
// machine that is migrated, a long collection of garbage, a node that swaps. Its
// sockets stay open and the kernel goes on acknowledging, so that no peer learns
// of it; once resumed it goes on in the middle of whatever it did, as a zombie.
func Pause() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "pause",
			Usage:      "pause leader | follower | waiter | any | all | REPLICA | STORE [for=DURATION] [&]",
			Summary:    "every thread freezes, the sockets stay open, and it may come back as a zombie",
			Doc:        "Stands for a migrated virtual machine, a long garbage collection, a node that swaps. Proved by the kernel: every thread of the victim is stopped; and for a store by a probe past all links, which connects and meets silence. Undone after for=, by \"resume victim\", or when the drill drains.",
			Check:      takesTargetAndFor,
			Aims:       atTarget,
			Background: true,
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &pause{selector: a.Words[0]}, nil },
		Held: drills.HeldFor,
	}
}

// takesTargetAndFor is the check of faults with one target and for=.
func takesTargetAndFor(a drills.Args) error {
	if err := takesTargetWith(a, "for"); err != nil {
		return err
	}
	_, err := a.Duration("for", 0)
	return err
}

type pause struct {
	selector string
	victims  []drills.Process
	pids     map[string]int
}

func (f *pause) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.victims, f.pids, err = running(ctx, t, f.selector); err != nil {
		return drills.Undo{}, err
	}
	for _, p := range f.victims {
		if _, ok := p.(drills.Pauser); !ok {
			return drills.Undo{}, fmt.Errorf("pause %s: %w", p.Info().Name, drills.ErrUnsupported)
		}
	}
	return drills.Undo{Action: drills.ActionResume, Victims: names(f.victims)}, nil
}

func (f *pause) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "pause", func(ctx context.Context, p drills.Process) error {
		return p.(drills.Pauser).Pause(ctx)
	})
}

// Await finds the same processes there as before: Pause has returned, so every
// thread of theirs is stopped. A store is asked as well, and must not answer:
// the kernel still makes connections for it.
func (f *pause) Await(ctx context.Context) (drills.Evidence, error) {
	var asked []string
	for _, p := range f.victims {
		info := p.Info()
		if info.PID != f.pids[info.Name] {
			return nil, fmt.Errorf("%s is no longer pid %d", info.Name, f.pids[info.Name])
		}
		store, ok := p.(drills.Store)
		if !ok {
			continue
		}
		if err := silent(probe(ctx, store.Addr(), info.Role, silentFor)); err != nil {
			return nil, fmt.Errorf("%s: %w", info.Name, err)
		}
		asked = append(asked, info.Name)
	}
	evidence := drills.Evidence{"stopped": f.pids}
	if len(asked) > 0 {
		evidence["silent"] = asked
	}
	return evidence, nil
}

// Recover resumes what still is there. A victim that was killed while it was
// frozen has nothing to resume.
func (f *pause) Recover(ctx context.Context) error {
	return together(ctx, f.victims, "resume", func(ctx context.Context, p drills.Process) error {
		if info := p.Info(); info.PID != f.pids[info.Name] {
			return nil
		}
		return p.(drills.Pauser).Resume(ctx)
	})
}
