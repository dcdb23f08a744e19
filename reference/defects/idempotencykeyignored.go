package defects

import (
	"context"
	"crypto/rand"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/jobs"
)

// idempotencyKeyIgnored makes a job of every request. A client that has not
// heard of the first one asks for a second.
func idempotencyKeyIgnored() Defect {
	return Defect{
		Name:      "idempotency-key-ignored",
		Wrong:     "a submission with a known key makes another job",
		Origin:    ownGuard,
		Symptom:   "a job that was submitted again for want of an answer takes effect twice",
		Gate:      "duplicates",
		Scenarios: []string{"late-answers"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Jobs = forgetful{p.Jobs}
		},
	}
}

type forgetful struct{ api.Jobs }

// Submit submits a known job once more, under a key of its own.
func (s forgetful) Submit(ctx context.Context, sub jobs.Submission) (job jobs.Job, created bool, err error) {
	job, created, err = s.Jobs.Submit(ctx, sub)
	if err != nil || created {
		return job, created, err
	}
	sub.Key, sub.Subject = sub.Key+"/"+rand.Text(), job.Subject
	return s.Jobs.Submit(ctx, sub)
}
