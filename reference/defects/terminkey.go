package defects

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/reference/effects"
)

func termInKey() Defect {
	return Defect{
		Name:      "term-in-key",
		Wrong:     "the key of a leader's effect holds its term, so that a successor's repetition is another effect",
		Origin:    ownGuard,
		Symptom:   "a slot that took effect before its leader died, and was not recorded, takes effect again",
		Gate:      "duplicates",
		Scenarios: []string{"late-writes"},
		Break:     ledReportBy(func(r effects.Reporter) effects.Reporter { return keyedByTerm{r} }),
	}
}

type keyedByTerm struct{ effects.Reporter }

// Report makes a key of subject and term.
func (r keyedByTerm) Report(ctx context.Context, e effects.Effect) (effects.Outcome, error) {
	e.Key = fmt.Sprintf("%s/%d", e.Key, e.Term)
	return r.Reporter.Report(ctx, e)
}
