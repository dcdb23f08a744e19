package verbs

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Wait lets time pass, fixed or drawn from the seed.
func Wait() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "wait",
			Usage:   "wait DURATION | FROM..TO",
			Summary: "let time pass, fixed or drawn from the seed",
			Doc:     "With a range the time is drawn anew at every pass, so that over many trials the next step meets every phase of a lease.",
			Check: func(a drills.Args) error {
				if err := a.Takes(1, 1); err != nil {
					return err
				}
				_, err := drills.ParseSpan(a.Words[0])
				return err
			},
			Lasts: func(a drills.Args) time.Duration {
				span, err := drills.ParseSpan(a.Words[0])
				if err != nil {
					return 0 // which Check has refused
				}
				return span.To
			},
		},
		Run: func(ctx context.Context, d *engine.Drill, step drills.Step) error {
			span, err := drills.ParseSpan(step.Args.Words[0])
			if err != nil {
				return err
			}
			return engine.Pause(ctx, engine.Draw(d.Stream("wait"), span))
		},
	}
}
