package worker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// crowd counts how many are inside at once, and holds them there.
type crowd struct {
	now, most atomic.Int64
	leave     chan struct{}
}

func (c *crowd) handler(ctx context.Context, _ ledger.Execution) error {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	select {
	case <-c.leave:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func TestALaneRunsExactlyAsManyJobsAtOnceAsItHasSlots(t *testing.T) {
	b := newBench(t)
	c := &crowd{leave: make(chan struct{})}
	const slots, n = 10, 40
	b.workIn(t, jobs.ClusterLane, "replica-1", worker.NewSlots(slots), b.ledger, map[string]worker.Handler{jobs.Cluster: c.handler})
	b.publish(t, jobs.Cluster, n)
	require.Eventually(t, func() bool { return c.now.Load() == slots }, 5*time.Second, time.Millisecond)
	require.Never(t, func() bool { return c.now.Load() != slots }, 2*lease, time.Millisecond, "all slots are used, and no other")
	require.Equal(t, slots, teststores.One[int](t, b.pool, `SELECT count(*) FROM jobs WHERE state = 'running'`))
	close(c.leave)
	b.states(t, jobs.Done, n)
	require.Equal(t, int64(slots), c.most.Load())
}

func TestALaneWhoseJobsAllBlockDoesNotDelayAnother(t *testing.T) {
	b := newBench(t)
	c := &crowd{leave: make(chan struct{})}
	b.workIn(t, jobs.PipelineLane, "replica-1", worker.NewSlots(5), b.ledger, map[string]worker.Handler{jobs.Pipeline: c.handler})
	b.work(t, "replica-1", nil)
	b.publish(t, jobs.Pipeline, 50)
	require.Eventually(t, func() bool { return c.now.Load() == 5 }, 5*time.Second, time.Millisecond)
	began := time.Now()
	b.publish(t, jobs.DefaultKind, 20)
	b.states(t, jobs.Done, 20)
	took := time.Since(began)
	t.Logf("behind 50 blocked jobs of another lane, 20 jobs took %v", took)
	require.Less(t, took, lease, "no reclaim was needed")
	require.Equal(t, int64(5), c.now.Load())
	close(c.leave)
	b.states(t, jobs.Done, 70)
}

func TestAStopWithEverySlotTakenAndTheIntakeWaitingForOneEndsWithinTheGrace(t *testing.T) {
	b := newBench(t)
	c := &crowd{leave: make(chan struct{})}
	waits := watched{worker.NewSlots(4), new(atomic.Int64)}
	r := b.workIn(t, jobs.ProvisionLane, "replica-1", waits, b.ledger, map[string]worker.Handler{jobs.Provision: c.handler})
	b.publish(t, jobs.Provision, 30)
	b.states(t, jobs.Running, 4)
	require.Eventually(t, func() bool { return waits.inside.Load() == 1 }, 5*time.Second, time.Millisecond)
	began := time.Now()
	r.stop()
	require.Less(t, time.Since(began), time.Second, "within the grace")
	b.states(t, jobs.Queued, 30)
	require.Zero(t, c.now.Load())
	require.Zero(t, teststores.One[int](t, b.pool, `SELECT sum(failures) FROM jobs`))
	require.Equal(t, 34, teststores.One[int](t, b.pool, `SELECT count(*) FROM outbox`), "what was given back is announced again")
}

// watched tells whether somebody waits for a slot.
type watched struct {
	worker.Slots
	inside *atomic.Int64
}

func (s watched) Free(ctx context.Context) int {
	s.inside.Add(1)
	defer s.inside.Add(-1)
	return s.Slots.Free(ctx)
}
