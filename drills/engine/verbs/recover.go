package verbs

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Start recovers a fault whose victims ended, by starting them again.
func Start() engine.Verb {
	return recovery(drills.ActionStart, drills.VerbSpec{
		Name:    "start",
		Usage:   "start victim | REPLICA | STORE",
		Summary: "start again what a fault has ended",
		Doc:     "Recovers the fault that holds the named process, or the victims of the last fault. Other victims of the same fault are started with it.",
		Check:   func(a drills.Args) error { return a.Takes(1, 1) },
	})
}

// Resume recovers a fault whose victims are frozen.
func Resume() engine.Verb {
	return recovery(drills.ActionResume, drills.VerbSpec{
		Name:    "resume",
		Usage:   "resume victim | REPLICA | STORE",
		Summary: "let a frozen process run on",
		Doc:     "Recovers the fault that holds the named process, or the victims of the last fault. What was frozen goes on in the middle of whatever it did.",
		Check:   func(a drills.Args) error { return a.Takes(1, 1) },
	})
}

// Heal recovers faults of links.
func Heal() engine.Verb {
	return recovery(drills.ActionHeal, drills.VerbSpec{
		Name:    "heal",
		Usage:   "heal [victim | REPLICA]",
		Summary: "heal the links of a replica, or all links",
		Doc:     "Recovers the faults that hold links of the named replica; without a name, of every replica.",
		Check:   func(a drills.Args) error { return a.Takes(0, 1) },
	})
}

// recovery is a verb that recovers the faults with that undo.
func recovery(action drills.Action, spec drills.VerbSpec) engine.Verb {
	return engine.Verb{
		VerbSpec: spec,
		Run: func(ctx context.Context, d *engine.Drill, step drills.Step) error {
			victims := step.Args.Words
			if len(victims) > 0 && victims[0] == "victim" {
				victims = d.Guard().Victims()
			}
			n, err := d.Guard().Recover(ctx, action, victims)
			if err == nil && n == 0 {
				return fmt.Errorf("nothing to %s: no active fault holds %v that way", action, victims)
			}
			return err
		},
	}
}
