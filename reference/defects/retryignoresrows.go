package defects

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// retryIgnoresRows takes a job that has been begun before for its own, whether
// or not the update that takes it has found it free.
func retryIgnoresRows() Defect {
	return Defect{
		Name:      "retry-ignores-rows",
		Wrong:     "acquiring a job that was begun before reports ownership although no row has changed",
		Origin:    cloudReview,
		Symptom:   "a job is worked on twice at once; only its key keeps the effect from happening twice",
		Gate:      "redeliveries",
		Scenarios: []string{"announced-twice"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = ownsUnseen{Ledger: lane.Ledger, jobs: p.Jobs}
			}
		},
	}
}

type ownsUnseen struct {
	worker.Ledger
	jobs api.Jobs
}

// Acquire answers that a job which somebody else has was acquired.
func (l ownsUnseen) Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error) {
	answers, err := l.Ledger.Acquire(ctx, owner, token, ids)
	if err != nil {
		return nil, err
	}
	for id, a := range answers {
		if a.Verdict != ledger.Elsewhere {
			continue
		}
		job, err := l.jobs.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("acquire: %w", err)
		}
		answers[id] = ledger.Acquisition{Verdict: ledger.Acquired, Execution: ledger.Execution{
			Job: id, Token: token, Attempt: job.Attempt + 1, Failures: job.Failures,
			Key: job.Key, Kind: job.Kind, Subject: job.Subject, Payload: job.Payload,
		}}
	}
	return answers, nil
}
