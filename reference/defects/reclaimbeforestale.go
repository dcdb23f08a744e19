package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
)

// reclaimBeforeStale gives the ledger three times the patience of the stream:
// entries of the dead are reclaimed again and again before their jobs can be
// taken over.
func reclaimBeforeStale() Defect {
	return Defect{
		Name:      "reclaim-before-stale",
		Wrong:     "the stream reclaims an entry long before the ledger lets go of its job",
		Origin:    cloudReview,
		Symptom:   "jobs of a dead worker wait far longer than the lease",
		Gate:      "takeover",
		Scenarios: []string{"worker-kill-flush"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Ledger = ledger.New(d.Pool, 3*lane.Lease, c.TTL/2)
			}
		},
	}
}
