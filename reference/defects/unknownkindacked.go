package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// unknownKindAcked has nothing to do for a kind that it does not know, and
// calls that done.
func unknownKindAcked() Defect {
	return Defect{
		Name:        "unknown-kind-acked",
		Wrong:       "jobs of an unknown kind are acknowledged as done",
		Origin:      cloudReview,
		Symptom:     "a job that is neither done nor among the dead letters",
		Gate:        "lost",
		Scenarios:   []string{"poison"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = shrugs{Ledger: lane.Ledger, kinds: p.Kinds(p)}
			}
		},
	}
}

type shrugs struct {
	worker.Ledger
	kinds map[string]worker.Handler
}

// Fail completes an execution whose kind is unknown.
func (l shrugs) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	if _, known := l.kinds[e.Kind]; known {
		return l.Ledger.Fail(ctx, e, f)
	}
	completed, err := l.Complete(ctx, []ledger.Execution{e})
	if err == nil && !completed[e.Job] {
		err = ledger.ErrLost
	}
	return jobs.Done, err
}
