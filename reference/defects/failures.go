package defects

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// retriesForever never gives a job up.
func retriesForever() Defect {
	return Defect{
		Name:        "retries-forever",
		Wrong:       "a job that fails by its own fault is tried again without end",
		Origin:      ownGuard,
		Symptom:     "a job that is neither done nor given up",
		Gate:        "stuck",
		Scenarios:   []string{"poison"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = stubborn{lane.Ledger}
			}
		},
	}
}

type stubborn struct{ worker.Ledger }

// Fail tries every job again.
func (l stubborn) Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error) {
	f.Retry = true
	return l.Ledger.Fail(ctx, e, f)
}

// outageCountsAsFailure blames the job for the receiver's absence.
func outageCountsAsFailure() Defect {
	return Defect{
		Name:      "outage-counts-as-failure",
		Wrong:     "a receiver that is away for a while counts as the job's own failure",
		Origin:    ownGuard,
		Symptom:   "sound jobs are given up during an outage",
		Gate:      "dead_letters",
		Scenarios: []string{"witness-away"},
		Break:     jobsReportBy(func(r effects.Reporter) effects.Reporter { return impatient{r} }),
	}
}

type impatient struct{ effects.Reporter }

// Report takes every error for a refusal.
func (r impatient) Report(ctx context.Context, e effects.Effect) (effects.Outcome, error) {
	outcome, err := r.Reporter.Report(ctx, e)
	if effects.Temporary(err) {
		err = fmt.Errorf("%w: %w", effects.ErrRefused, err)
	}
	return outcome, err
}
