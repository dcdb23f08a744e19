package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// stopWithoutHandback walks away from unfinished work: whoever comes next has
// to wait until it has gone stale.
func stopWithoutHandback() Defect {
	return Defect{
		Name:      "stop-without-handback",
		Wrong:     "a worker that is told to stop drops its executions instead of giving them back",
		Origin:    ownGuard,
		Symptom:   "unfinished jobs of a worker that stopped in good order wait for their lease to run out",
		Gate:      "takeover",
		Scenarios: []string{"worker-stop"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = keeps{lane.Ledger}
			}
		},
	}
}

type keeps struct{ worker.Ledger }

// Release gives nothing back.
func (keeps) Release(context.Context, []ledger.Execution) (map[int64]bool, error) { return nil, nil }
