package worker_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// slowCompletion commits a completion and delivers the answer only after a
// renewal has looked at the same executions.
type slowCompletion struct {
	worker.Ledger
	renewed chan struct{}
}

func (l slowCompletion) Renew(ctx context.Context, e []ledger.Execution) (map[int64]bool, error) {
	inForce, err := l.Ledger.Renew(ctx, e)
	select {
	case l.renewed <- struct{}{}:
	default:
	}
	return inForce, err
}

func (l slowCompletion) Complete(ctx context.Context, e []ledger.Execution) (map[int64]bool, error) {
	completed, err := l.Ledger.Complete(ctx, e)
	for range 2 { // the first may have looked before the commit
		select {
		case <-l.renewed:
		case <-ctx.Done():
		}
	}
	return completed, err
}

func TestARenewalThatMeetsACompletionDoesNotCallItLost(t *testing.T) {
	b := newBench(t)
	r := b.workOn(t, "replica-1", slowCompletion{b.ledger, make(chan struct{})}, nil)
	b.publish(t, jobs.DefaultKind, 4)
	b.states(t, jobs.Done, 4)
	b.drained(t)
	b.once(t, 4)
	require.Contains(t, r.metrics(), `controlplane_jobs_total{outcome="done"} 4`)
	require.NotContains(t, r.metrics(), `outcome="lost"`)
	require.Equal(t, 4, teststores.One[int](t, b.pool, `SELECT sum(attempt) FROM jobs`))
}
