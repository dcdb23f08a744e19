package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

// noRenewal takes the lease for long enough.
func noRenewal() Defect {
	return Defect{
		Name:        "no-renewal",
		Wrong:       "executions are not renewed, neither in the ledger nor in the stream",
		Origin:      ownGuard,
		Symptom:     "a job that takes longer than the lease is worked on twice at once",
		Gate:        "redeliveries",
		Scenarios:   []string{"long-jobs"},
		ShowsInCalm: true,
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger, lane.Stream = confident{lane.Ledger}, untouching{lane.Stream}
			}
		},
	}
}

type confident struct{ worker.Ledger }

// Renew claims that every execution is in force, and writes nothing.
func (confident) Renew(_ context.Context, executions []ledger.Execution) (map[int64]bool, error) {
	return all(executions), nil
}

type untouching struct{ worker.Queue }

// Touch lets entries grow idle.
func (untouching) Touch(context.Context, []queue.Entry) error { return nil }
