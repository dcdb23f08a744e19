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
		Usage:   "start [victim | REPLICA | STORE]",
		Summary: "start again what a fault has ended",
		Doc:     "Recovers the fault that holds the named process, or the victims of the last fault; without a name, every fault that ended processes. Other victims of the same fault are started with it.",
		Check:   func(a drills.Args) error { return a.Takes(0, 1) },
		Aims:    atHeld,
	})
}

// Resume recovers a fault whose victims are frozen.
func Resume() engine.Verb {
	return recovery(drills.ActionResume, drills.VerbSpec{
		Name:    "resume",
		Usage:   "resume [victim | REPLICA | STORE]",
		Summary: "let a frozen process run on",
		Doc:     "Recovers the fault that holds the named process, or the victims of the last fault; without a name, every fault that froze processes. What was frozen goes on in the middle of whatever it did.",
		Check:   func(a drills.Args) error { return a.Takes(0, 1) },
		Aims:    atHeld,
	})
}

// Heal recovers faults whose victims run on, worse.
func Heal() engine.Verb {
	return recovery(drills.ActionHeal, drills.VerbSpec{
		Name:    "heal",
		Usage:   "heal [victim | REPLICA | STORE | backend/NAME]",
		Summary: "heal links, stores and backends",
		Doc:     "Recovers the faults of the named replica's links, of the named store or of the named backend, or those of the last fault's victims; without a name, of all.",
		Check:   func(a drills.Args) error { return a.Takes(0, 1) },
		Aims:    atHeld,
	})
}

// atHeld is what a recovery aims at: something has to be broken by then.
func atHeld(a drills.Args) []drills.Aim {
	all := []drills.Aim{{Kind: drills.AimVictim}}
	for _, word := range a.Words {
		all = append(all, drills.Aim{Kind: drills.AimHeld, Name: word})
	}
	return all
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
