package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

func ackBeforeEffect() Defect {
	return Defect{
		Name:      "ack-before-effect",
		Wrong:     "a job is completed and its entry acknowledged as soon as it is taken, and worked on then",
		Origin:    cloudReview,
		Symptom:   "jobs in the hands of a replica that dies never have their effect",
		Gate:      "lost",
		Scenarios: []string{"worker-kill", "all-replicas-die"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger, lane.Stream = closedEarly{lane.Ledger}, ackedEarly{lane.Stream}
			}
		},
	}
}

// ackedEarly acknowledges entries at the moment at which the sound worker
// begins to hold them.
type ackedEarly struct{ worker.Queue }

func (q ackedEarly) Touch(ctx context.Context, entries []queue.Entry) error {
	return q.Ack(ctx, entries)
}

// closedEarly completes executions as it gives them, so that nothing brings
// back a job whose work was never done.
type closedEarly struct{ worker.Ledger }

func (l closedEarly) Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error) {
	answers, err := l.Ledger.Acquire(ctx, owner, token, ids)
	if err != nil {
		return nil, err
	}
	var acquired []ledger.Execution
	for _, a := range answers {
		if a.Verdict == ledger.Acquired {
			acquired = append(acquired, a.Execution)
		}
	}
	if len(acquired) > 0 {
		_, err = l.Ledger.Complete(ctx, acquired)
	}
	return answers, err
}

func (closedEarly) Renew(_ context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	return all(executions), nil
}

func (closedEarly) Complete(_ context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	return all(executions), nil
}

// all has every job of the executions.
func all(executions []ledger.Execution) map[int64]bool {
	jobs := make(map[int64]bool, len(executions))
	for _, e := range executions {
		jobs[e.Job] = true
	}
	return jobs
}
