package verbs

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// RollingRestart restarts one replica after the other, as a deployment does.
func RollingRestart() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "rolling-restart",
			Usage:   "rolling-restart [down=DURATION] [within=DURATION]",
			Summary: "restart every replica in turn, each once the one before is steady again",
			Doc:     "Stands for a deployment. Each restart is a fault of its own, with its own evidence and its own sample of failover. within= bounds the wait for steadiness after each, by default 30s.",
			Breaks:  true,
			Check: func(a drills.Args) error {
				if err := a.Takes(0, 0, "down", "within"); err != nil {
					return err
				}
				if _, err := a.Duration("within", defaultWithin); err != nil {
					return err
				}
				_, err := a.Duration("down", 0)
				return err
			},
		},
		Run: rollingRestart,
	}
}

func rollingRestart(ctx context.Context, d *engine.Drill, step drills.Step) error {
	within, err := step.Args.Duration("within", defaultWithin)
	if err != nil {
		return err
	}
	for _, p := range d.Cluster().Processes() {
		info := p.Info()
		if info.Role != drills.RoleReplica {
			continue
		}
		one := drills.Step{Line: step.Line, Text: step.Text, Verb: "restart", Args: drills.Args{
			Words: []string{info.Name}, Options: map[string]string{},
		}}
		if down, ok := step.Args.Options["down"]; ok {
			one.Args.Options["down"] = down
		}
		if err := d.Break(ctx, one); err != nil {
			return err
		}
		if err := d.Poll(ctx, within, func() error { return d.Steady(ctx) }); err != nil {
			return fmt.Errorf("after the restart of %s: %w", info.Name, err)
		}
	}
	return nil
}
