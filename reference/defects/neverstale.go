package defects

import (
	"time"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
)

// neverStale believes that whoever has begun a job is still at it.
func neverStale() Defect {
	return Defect{
		Name:      "never-stale",
		Wrong:     "an execution that is not renewed any more is never taken over",
		Origin:    ownGuard,
		Symptom:   "jobs of a dead worker are never done",
		Gate:      "lost",
		Scenarios: []string{"worker-kill-flush"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = ledger.New(d.Pool, 24*time.Hour, c.TTL/2)
			}
		},
	}
}
