package defects

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/queue"
)

// reconcilerOff never looks for jobs that the stream has lost.
func reconcilerOff() Defect {
	return Defect{
		Name:      "reconciler-off",
		Wrong:     "nobody looks for jobs that the stream has lost",
		Origin:    ownGuard,
		Symptom:   "jobs are gone with the data of Redis",
		Gate:      "lost",
		Scenarios: []string{"redis-flush-backlog"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Lost = nothingLost{}
		},
	}
}

type nothingLost struct{}

// Republish finds nothing.
func (nothingLost) Republish(context.Context, string, time.Duration) (int64, error) { return 0, nil }

// noGenerationCheck does not learn of a loss but by the silence of its jobs.
func noGenerationCheck() Defect {
	return Defect{
		Name:      "no-generation-check",
		Wrong:     "the generation of the stream is not looked at after its data is gone",
		Origin:    ownGuard,
		Symptom:   "jobs that were lost with the data of Redis wait until their silence is noticed",
		Gate:      "recovery",
		Scenarios: []string{"redis-flush-backlog"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Queue = ageless{p.Queue}
		},
	}
}

// ageless is a stream in the same generation for ever.
type ageless struct{ controlplane.Queue }

// Generation is always the same.
func (ageless) Generation(context.Context) (string, error) { return "", nil }

// Publish does not tell generations apart either.
func (q ageless) Publish(ctx context.Context, jobs []queue.Job) (string, error) {
	_, err := q.Queue.Publish(ctx, jobs)
	return "", err
}

// lagIgnored takes a job that waits its turn for one that was lost.
func lagIgnored() Defect {
	return Defect{
		Name:        "lag-ignored",
		Wrong:       "the silence of a job is judged without regard to the backlog before it",
		Origin:      ownGuard,
		Symptom:     "a busy system sends itself the same jobs again and again",
		Gate:        "republished",
		Scenarios:   []string{"backlog"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Queue = prompt{p.Queue}
		},
	}
}

// prompt is a stream that claims to have no backlog.
type prompt struct{ controlplane.Queue }

// Lag is always zero.
func (prompt) Lag(context.Context) (time.Duration, error) { return 0, nil }
