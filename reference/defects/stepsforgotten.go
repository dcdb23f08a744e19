package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/kinds"
)

func stepsForgotten() Defect {
	return Defect{
		Name:      "steps-forgotten",
		Wrong:     "whoever takes a job over begins with its first step",
		Origin:    ownGuard,
		Symptom:   "steps that a dead worker had finished are done again",
		Gate:      "repeated_steps",
		Scenarios: []string{"steps-resumed"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Steps = beginner{p.Steps}
		},
	}
}

type beginner struct{ kinds.Steps }

// Finished knows of nothing.
func (beginner) Finished(context.Context, int64) (int, error) { return 0, nil }
