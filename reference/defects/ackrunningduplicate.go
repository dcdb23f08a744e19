package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
)

// ackRunningDuplicate throws away the entry of a job that runs elsewhere. When
// that runner dies, nothing is left in the stream to bring the job back; in the
// reference only the reconciler's longer patience does.
func ackRunningDuplicate() Defect {
	return Defect{
		Name:      "ack-running-duplicate",
		Wrong:     "the entry of a job that is running elsewhere is acknowledged as a duplicate",
		Origin:    cloudReview,
		Symptom:   "nobody takes the job over when its runner is killed, until the reconciler misses it",
		Gate:      "takeover",
		Scenarios: []string{"worker-kill-flush"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			confuse(p, ledger.Elsewhere, ledger.Finished)
		},
	}
}
