package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
)

// finishedKept leaves the entry of a finished job pending, as if the job were
// still running somewhere.
func finishedKept() Defect {
	return Defect{
		Name:      "finished-kept",
		Wrong:     "the entry of a job that is finished is not acknowledged",
		Origin:    ownGuard,
		Symptom:   "entries stay pending for ever",
		Gate:      "leaked",
		Scenarios: []string{"announced-twice"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			confuse(p, ledger.Finished, ledger.Elsewhere)
		},
	}
}
