package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

// noReclaim leaves entries to the consumer that they were delivered to, dead
// or alive.
func noReclaim() Defect {
	return Defect{
		Name:      "no-reclaim",
		Wrong:     "entries of a dead consumer are not reclaimed",
		Origin:    ownGuard,
		Symptom:   "the entries of the dead stay pending for ever",
		Gate:      "leaked",
		Scenarios: []string{"worker-kill-flush"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Stream = unclaiming{lane.Stream}
			}
		},
	}
}

type unclaiming struct{ worker.Queue }

// Reclaim finds nothing to take over.
func (unclaiming) Reclaim(context.Context, int) ([]queue.Entry, error) { return nil, nil }
