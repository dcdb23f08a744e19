package verbs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/internal/suggest"
)

const defaultWithin = 30 * time.Second

// Await waits for a condition. The gates judge; an await only bounds the
// script, so it waits longer than any gate allows.
func Await() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "await",
			Usage:   "await steady | new-leader | victim-next | idle [within=DURATION]",
			Summary: "wait for a condition, by default at most 30s",
			Doc:     "steady: every started replica is ready, and in the last second nothing was broken or mended, each leadership has acted (one that acts more seldom: in the time that it lately took, and half of it more) and 99 % of operations were acknowledged. new-leader: of each leadership that the last fault took from its victims, an effect has come under a higher term; of each that may hang on the store that it broke, under a higher term or after its recovery. victim-next: the last victim is the first in the queue for the leadership. idle: every acknowledged job has had its effect. What can no longer come true ends the wait at once.",
			Check: func(a drills.Args) error {
				if err := a.Takes(1, 1, "within"); err != nil {
					return err
				}
				if _, ok := conditions[a.Words[0]]; !ok {
					return suggest.Unknown("condition", a.Words[0], slices.Collect(maps.Keys(conditions)))
				}
				_, err := a.Duration("within", defaultWithin)
				return err
			},
			Aims: func(a drills.Args) []drills.Aim { return aims[a.Words[0]] },
		},
		Run: func(ctx context.Context, d *engine.Drill, step drills.Step) error {
			within, err := step.Args.Duration("within", defaultWithin)
			if err != nil {
				return err
			}
			check := conditions[step.Args.Words[0]]
			return d.Poll(ctx, within, func() error { return check(ctx, d) })
		},
	}
}

// aims are what has to be there for a condition to come true.
var aims = map[string][]drills.Aim{
	"new-leader":  {{Kind: drills.AimVictim}, {Kind: drills.AimLeader}},
	"victim-next": {{Kind: drills.AimVictim}, {Kind: drills.AimQueue}},
}

var conditions = map[string]func(context.Context, *engine.Drill) error{
	"steady":      func(ctx context.Context, d *engine.Drill) error { return d.Steady(ctx) },
	"idle":        func(_ context.Context, d *engine.Drill) error { return d.Idle() },
	"new-leader":  func(_ context.Context, d *engine.Drill) error { return d.NewLeader() },
	"victim-next": func(ctx context.Context, d *engine.Drill) error { return d.VictimNext(ctx) },
}
