package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
)

func oneNeverRegained() Defect {
	return Defect{
		Name:      "one-never-regained",
		Wrong:     "one of eleven leaderships is not sought again once a campaign for it has failed",
		Origin:    cloudReview,
		Symptom:   "when all sessions have ended at once, ten singletons act again, and one never does",
		Gate:      "leaderless",
		Scenarios: []string{"singletons-postgres-restart"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Elector = resigned{p.Elector}
		},
	}
}

// resigned is an elector that gives up one key.
type resigned struct{ leadership.Elector }

// givenUp is the key of the leadership that is not sought again.
const givenUp = "healing"

// Hold campaigns for that key once, and then waits for the replica's end.
func (e resigned) Hold(ctx context.Context, key string, lead func(context.Context) error) error {
	err := e.Elector.Hold(ctx, key, lead)
	if key == givenUp {
		<-ctx.Done()
	}
	return err
}
