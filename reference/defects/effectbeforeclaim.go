package defects

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// effectBeforeClaim acts on every delivery at once, under a key that nobody
// will ever see again, and asks the ledger afterwards.
func effectBeforeClaim() Defect {
	return Defect{
		Name:      "effect-before-claim",
		Wrong:     "the effect of an entry comes before its job is acquired, and without the job's key",
		Origin:    cloudReview,
		Symptom:   "a job that is delivered twice takes effect twice",
		Gate:      "duplicates",
		Scenarios: []string{"announced-twice"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = actsFirst{Ledger: lane.Ledger, jobs: p.Jobs, reporter: p.Reporter}
			}
			kinds := p.Kinds
			p.Kinds = func(p *controlplane.Parts) map[string]worker.Handler {
				silent := *p
				silent.Reporter = acted{}
				return kinds(&silent)
			}
		},
	}
}

// actsFirst reports the effect of each job that it is asked for.
type actsFirst struct {
	worker.Ledger
	jobs     api.Jobs
	reporter effects.Reporter
}

// Acquire acts, then acquires.
func (l actsFirst) Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error) {
	for _, id := range ids {
		job, err := l.jobs.Get(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("act on an entry: %w", err)
		}
		err = effects.Retries().Retry(ctx, effects.Temporary, func(ctx context.Context) error {
			_, err := l.reporter.Report(ctx, effects.Effect{
				Subject: job.Subject, Key: rand.Text(), Kind: effects.Once, Attempt: job.Attempt + 1,
			})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("act on an entry: %w", err)
		}
	}
	return l.Ledger.Acquire(ctx, owner, token, ids)
}

// acted is for handlers whose effect has been reported already.
type acted struct{}

// Report does nothing.
func (acted) Report(context.Context, effects.Effect) (effects.Outcome, error) {
	return effects.Accepted, nil
}
