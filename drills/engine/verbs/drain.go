package verbs

import (
	"context"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Drain lets the system come to rest and looks into its stores.
func Drain() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "drain",
			Usage:   "drain",
			Summary: "heal, stop the load, wait until all work is done, look into every store",
			Doc:     "Waits until every acknowledged job is terminal, the queue is empty and one settle interval of the system has passed since the last heal, or until two have. What has no effect then is lost, and what is in the queue is left behind.",
			Check:   noArgs,
		},
		Run: func(ctx context.Context, d *engine.Drill, _ drills.Step) error { return d.Drain(ctx) },
	}
}
