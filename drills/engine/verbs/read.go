package verbs

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

const (
	defaultSample = 500
	maxSample     = 100_000
)

// Read asks the system what became of its jobs.
func Read() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "read",
			Usage:   "read jobs [sample=N]",
			Summary: "ask the system what became of the jobs that it has acknowledged",
			Doc:     "Stands after \"drain\": before that, every answer may be true. Asks about so many jobs, by default 500, drawn from the seed where there are more; each at one replica, the replicas in turn, and at the next one on an error. For 20s at most: a job that nobody has told of then keeps misreported from passing, and so does a system that cannot be asked.",
			After:   "drain",
			Check: func(a drills.Args) error {
				_, err := sampleOf(a)
				return err
			},
		},
		Run: func(ctx context.Context, d *engine.Drill, step drills.Step) error {
			sample, err := sampleOf(step.Args)
			if err != nil {
				return err
			}
			return d.ReadJobs(ctx, sample)
		},
	}
}

func sampleOf(a drills.Args) (int, error) {
	if err := a.Takes(1, 1, "sample"); err != nil {
		return 0, err
	}
	if a.Words[0] != "jobs" {
		return 0, fmt.Errorf("cannot read %q: write \"read jobs\"", a.Words[0])
	}
	return a.Count("sample", defaultSample, maxSample)
}
