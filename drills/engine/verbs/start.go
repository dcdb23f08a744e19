package verbs

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Start recovers a fault whose victims ended, by starting them again.
func Start() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "start",
			Usage:   "start victim | REPLICA | STORE",
			Summary: "start again what a fault has killed",
			Doc:     "Recovers the fault that holds the named process, or the victims of the last fault. Other victims of the same fault are started with it.",
			Check:   func(a drills.Args) error { return a.Takes(1, 1) },
		},
		Run: func(ctx context.Context, d *engine.Drill, step drills.Step) error {
			victims := step.Args.Words
			if victims[0] == "victim" {
				victims = d.Guard().Victims()
			}
			n, err := d.Guard().Recover(ctx, drills.ActionStart, victims)
			if err == nil && n == 0 {
				return fmt.Errorf("no fault has stopped %v", victims)
			}
			return err
		},
	}
}
