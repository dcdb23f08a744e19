package verbs

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// Stop ends the load.
func Stop() engine.Verb {
	return engine.Verb{
		VerbSpec: drills.VerbSpec{
			Name:    "stop",
			Usage:   "stop load",
			Summary: "end the load and wait for its last answer",
			Check: func(a drills.Args) error {
				if err := a.Takes(1, 1); err != nil {
					return err
				}
				if a.Words[0] != "load" {
					return fmt.Errorf("cannot stop %q: write \"stop load\"", a.Words[0])
				}
				return nil
			},
		},
		Run: func(_ context.Context, d *engine.Drill, _ drills.Step) error {
			if d.StopLoads() == 0 {
				return errors.New("no load runs")
			}
			return nil
		},
	}
}
