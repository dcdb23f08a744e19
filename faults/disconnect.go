package faults

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// Disconnect takes processes off their network: a pulled cable, a switch that
// died, a virtual interface that was torn down. They run on and know nothing;
// everything they say and everything that is said to them is lost, on all links
// at once, those to the outside world included.
func Disconnect() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "disconnect",
			Usage:      "disconnect leader | follower | waiter | any | all | REPLICA | STORE [for=DURATION] [&]",
			Summary:    "the process runs on, off the network",
			Doc:        "Stands for a pulled cable or a dead switch. Nothing is closed and nobody is told, and the witness is out of reach too: effects of the victim do not arrive. Wants a substrate whose processes have a network of their own. Proved from outside: the victim, which answered before, cannot be reached, and is the same process as before. Undone after for=, by \"heal\", or when the drill drains, and then it is reached again.",
			Check:      takesTargetAndFor,
			Aims:       atTarget,
			Background: true,
		},
		New:  func(a drills.Args) (drills.Fault, error) { return &disconnect{selector: a.Words[0]}, nil },
		Held: drills.HeldFor,
	}
}

type disconnect struct {
	selector string
	victims  []drills.Process
	pids     map[string]int
	doors    map[string]string // where each victim answers, by name
}

// Plan sees that every victim can be reached now: that it cannot be afterwards
// is then the fault's doing.
func (f *disconnect) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	victims, pids, err := running(ctx, t, f.selector)
	if err != nil {
		return drills.Undo{}, err
	}
	doors := map[string]string{}
	for _, p := range victims {
		name := p.Info().Name
		if _, ok := p.(drills.Detacher); !ok {
			return drills.Undo{}, fmt.Errorf("%w: %s has no network of its own to be taken off", drills.ErrUnsupported, name)
		}
		if doors[name], err = door(t.Cluster(), p); err != nil {
			return drills.Undo{}, err
		}
		if err := probe(ctx, doors[name], p.Info().Role, answersWithin); err != nil {
			return drills.Undo{}, fmt.Errorf("reach %s: %w", name, err)
		}
	}
	f.victims, f.pids, f.doors = victims, pids, doors
	return drills.Undo{Action: drills.ActionHeal, Victims: names(victims)}, nil
}

// door is where a process answers to the outside: a store at its address, a
// replica at the link in front of it.
func door(cluster drills.Cluster, p drills.Process) (string, error) {
	if store, ok := p.(drills.Store); ok {
		return store.Addr(), nil
	}
	name := p.Info().Name
	for _, l := range cluster.Links() {
		if _, to := l.Ends(); to == name {
			return l.Addr(), nil
		}
	}
	return "", fmt.Errorf("no link leads to %s, by which it could be seen that it cannot be reached", name)
}

func (f *disconnect) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "take off the network", func(ctx context.Context, p drills.Process) error {
		return p.(drills.Detacher).Detach(ctx)
	})
}

// Await wants every victim out of reach, and still there.
func (f *disconnect) Await(ctx context.Context) (drills.Evidence, error) {
	err := together(ctx, f.victims, "look for", func(ctx context.Context, p drills.Process) error {
		return until(ctx, "it cannot be reached", func(ctx context.Context) (bool, error) {
			return f.reach(ctx, p) != nil, nil
		})
	})
	if err != nil {
		return nil, err
	}
	for _, p := range f.victims {
		if info := p.Info(); info.PID != f.pids[info.Name] {
			return nil, fmt.Errorf("%s is no longer pid %d", info.Name, f.pids[info.Name])
		}
	}
	return drills.Evidence{"unreachable": names(f.victims), "running": f.pids}, nil
}

// reach asks a victim from outside, and gives it all the time to answer: a
// question that is cut short by the end of ctx says nothing.
func (f *disconnect) reach(ctx context.Context, p drills.Process) error {
	info := p.Info()
	return probe(context.WithoutCancel(ctx), f.doors[info.Name], info.Role, answersWithin)
}

// Recover puts the victims back on the network and reaches each that runs.
func (f *disconnect) Recover(ctx context.Context) error {
	return together(ctx, f.victims, "put back on the network", func(ctx context.Context, p drills.Process) error {
		if err := p.(drills.Detacher).Attach(ctx); err != nil {
			return err
		}
		return until(ctx, "it can be reached", func(ctx context.Context) (bool, error) {
			return p.Info().PID == 0 || f.reach(ctx, p) == nil, nil
		})
	})
}
