package faults

import (
	"context"

	"github.com/drillrun/drillrun/drills"
)

// Kill ends processes with SIGKILL: a crash, an OOM kill, a node that is gone.
// The kernel closes the victim's sockets, so its peers learn of it at once;
// nothing that it held in memory survives, and none of its own clean-up runs.
func Kill() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:    "kill",
			Usage:   "kill leader | follower | any | all | REPLICA | STORE",
			Summary: "SIGKILL: the process ends at once, its sockets are closed by the kernel",
			Doc:     "Stands for a crash, an OOM kill, a lost node. Proved by the victim's pid, which ran before and has been reaped after. Undone by \"start victim\"; at the latest when the drill drains.",
			Check:   takesTarget,
			Aims:    atTarget,
		},
		New: func(a drills.Args) (drills.Fault, error) { return &kill{selector: a.Words[0]}, nil },
	}
}

type kill struct {
	selector string
	victims  []drills.Process
	pids     map[string]int // before the kill
}

func (f *kill) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.victims, f.pids, err = running(ctx, t, f.selector); err != nil {
		return drills.Undo{}, err
	}
	return drills.Undo{Action: drills.ActionStart, Victims: names(f.victims)}, nil
}

func (f *kill) Inject(ctx context.Context) error {
	return together(ctx, f.victims, "kill", func(ctx context.Context, p drills.Process) error { return p.Kill(ctx) })
}

// Await finds the victims gone. Kill has returned, so they are reaped; one
// that had ended by itself would have made it fail.
func (f *kill) Await(context.Context) (drills.Evidence, error) {
	if err := gone(f.victims); err != nil {
		return nil, err
	}
	return drills.Evidence{"signal": "SIGKILL", "reaped": f.pids}, nil
}

func (f *kill) Recover(ctx context.Context) error { return startAll(ctx, f.victims) }
