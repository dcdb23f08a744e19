package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// confused takes one verdict of the ledger for another.
type confused struct {
	worker.Ledger
	verdict, taken ledger.Verdict
}

// confuse has the ledger of every lane confused.
func confuse(p *controlplane.Parts, verdict, taken ledger.Verdict) {
	for _, lane := range p.Lanes {
		lane.Ledger = confused{Ledger: lane.Ledger, verdict: verdict, taken: taken}
	}
}

// Acquire answers with the wrong verdict.
func (l confused) Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error) {
	answers, err := l.Ledger.Acquire(ctx, owner, token, ids)
	for id, a := range answers {
		if a.Verdict == l.verdict {
			answers[id] = ledger.Acquisition{Verdict: l.taken}
		}
	}
	return answers, err
}
