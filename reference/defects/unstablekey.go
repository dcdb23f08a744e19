package defects

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/reference/effects"
)

// unstableKey makes every attempt an effect of its own for the receiver.
func unstableKey() Defect {
	return Defect{
		Name:      "unstable-key",
		Wrong:     "the key of a job's effect differs from attempt to attempt",
		Origin:    ownGuard,
		Symptom:   "a job whose worker is cut off between effect and completion takes effect twice",
		Gate:      "duplicates",
		Scenarios: []string{"worker-pause"},
		Break:     jobsReportBy(func(r effects.Reporter) effects.Reporter { return keyedByAttempt{r} }),
	}
}

type keyedByAttempt struct{ effects.Reporter }

// Report sends the effect under a key of its attempt.
func (r keyedByAttempt) Report(ctx context.Context, e effects.Effect) (effects.Outcome, error) {
	e.Key = fmt.Sprintf("%s/%d", e.Key, e.Attempt)
	return r.Reporter.Report(ctx, e)
}
