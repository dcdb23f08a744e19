package kinds_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/kinds"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/resilience"
	"github.com/drillrun/drillrun/reference/worker"
)

// calls is a Caller that notes each call, and asks answer about it.
type calls struct {
	mu     sync.Mutex
	made   []string
	answer func(ctx context.Context, e effects.Effect) error
}

func (c *calls) Call(ctx context.Context, to backends.Name, e effects.Effect) (effects.Outcome, error) {
	c.mu.Lock()
	c.made = append(c.made, fmt.Sprintf("%s %s by %d", to, e.Subject, e.Attempt))
	c.mu.Unlock()
	if e.Kind != effects.Once || e.Key != e.Subject {
		return "", fmt.Errorf("%w: kind %s, key %s", effects.ErrRefused, e.Kind, e.Key)
	}
	if c.answer != nil {
		if err := c.answer(ctx, e); err != nil {
			return "", err
		}
	}
	return effects.Accepted, nil
}

func (c *calls) list() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.made)
}

// bench has a handler for each kind, over one database.
type bench struct {
	pool     *pgxpool.Pool
	receiver *teststores.Receiver
	calls    *calls
	handlers map[string]worker.Handler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{pool: stores.Migrated(t), receiver: teststores.NewReceiver(t), calls: &calls{}}
	client := effects.NewClient(b.receiver.URL(), "t", limit)
	t.Cleanup(client.Close)
	b.handlers = kinds.Handlers(kinds.NewStore(b.pool, limit), b.calls, client)
	return b
}

// run has an execution worked on.
func (b *bench) run(ctx context.Context, e ledger.Execution) error { return b.handlers[e.Kind](ctx, e) }

func TestEachKindMakesItsCallsInOrderAndLeavesAResourceAndItsEffect(t *testing.T) {
	for _, c := range []struct {
		kind, payload string
		size          int
		calls         []string
	}{
		{jobs.Provision, "", 1, []string{
			"compute provision/k/1-reserve by 1", "compute provision/k/2-create by 1", "network provision/k/3-attach by 1",
			"storage provision/k/4-volume by 1", "dns provision/k/5-name by 1",
		}},
		{jobs.Cluster, `{"nodes": 2}`, 2, []string{
			"compute cluster/k/1-reserve by 1", "compute cluster/k/2-nodes/1 by 1", "compute cluster/k/2-nodes/2 by 1",
			"loadbalancer cluster/k/3-balance by 1", "dns cluster/k/4-name by 1",
		}},
		{jobs.Pipeline, `{"work_ms": 1}`, 1, []string{
			"storage pipeline/k/1-fetch by 1", "compute pipeline/k/2-build by 1", "storage pipeline/k/3-publish by 1",
			"loadbalancer pipeline/k/4-route by 1",
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			b := newBench(t)
			id := submit(t, b.pool, c.kind, "k", c.payload)
			require.NoError(t, b.run(t.Context(), acquire(t, b.pool, id)))
			made := b.calls.list()
			slices.Sort(made[1:3]) // those of one step are made at once
			require.Equal(t, c.calls, made)
			require.Equal(t, 1, teststores.One[int](t, b.pool, `SELECT count(*) FROM resources WHERE kind = $1 AND name = $1 || '/k' AND job_id = $2 AND size = $3`, c.kind, id, c.size))
			arrivals, _ := b.receiver.Arrivals()
			require.Len(t, arrivals, 1)
			require.Equal(t, "k", arrivals[0].Key)

			// A job whose completion was lost is worked on once more.
			age(t, b.pool, id)
			require.NoError(t, b.run(t.Context(), acquire(t, b.pool, id)))
			require.Len(t, b.calls.list(), len(made), "no finished step is called again")
			arrivals, _ = b.receiver.Arrivals()
			require.Equal(t, http.StatusAlreadyReported, arrivals[1].Status)
		})
	}
}

func TestATakeoverGoesOnWhereTheDeadOneStoppedAndRepeatsNoFinishedStep(t *testing.T) {
	b := newBench(t)
	client, err := queue.Open(stores.Redis(t).URL(), limit)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	stream := func(consumer string) *queue.Stream {
		return queue.New(client, jobs.ProvisionLane, consumer, lease, limit, slog.New(slog.DiscardHandler))
	}
	id := submit(t, b.pool, jobs.Provision, "k", "")
	_, err = queue.NewFeed(client, limit).Publish(t.Context(), []queue.Job{{ID: id, Kind: jobs.Provision}})
	require.NoError(t, err)

	// Somebody takes the entry and the job, and dies in the third step.
	require.Eventually(t, func() bool {
		entries, err := stream("dead").Receive(t.Context(), 1, 10*time.Millisecond)
		return err == nil && len(entries) == 1
	}, 5*time.Second, time.Millisecond)
	dead := acquire(t, b.pool, id)
	dying, die := context.WithCancel(t.Context())
	b.calls.answer = func(ctx context.Context, e effects.Effect) error {
		if e.Attempt == 1 && strings.HasSuffix(e.Key, "/3-attach") {
			die()
			return ctx.Err()
		}
		return nil
	}
	require.ErrorIs(t, b.run(dying, dead), context.Canceled)

	w := worker.New(worker.Config{
		Replica: "survivor", Slots: worker.NewSlots(20), Lease: lease, Sweep: 50 * time.Millisecond, Grace: time.Second, MaxFailures: 3,
	}, stream("survivor"), ledger.New(b.pool, lease, limit), b.handlers, metrics.New(), slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	require.Eventually(t, func() bool {
		return teststores.One[int](t, b.pool, `SELECT count(*) FROM jobs WHERE state = 'done' AND attempt = 2`) == 1
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, []string{
		"compute provision/k/1-reserve by 1", "compute provision/k/2-create by 1", "network provision/k/3-attach by 1",
		"network provision/k/3-attach by 2", "storage provision/k/4-volume by 2", "dns provision/k/5-name by 2",
	}, b.calls.list())
	require.Equal(t, 2, teststores.One[int](t, b.pool, `SELECT count(*) FROM job_steps WHERE token = $1::uuid`, dead.Token))
	require.Equal(t, 3, teststores.One[int](t, b.pool, `SELECT count(*) FROM job_steps WHERE token <> $1::uuid`, dead.Token))
	require.Equal(t, 1, teststores.One[int](t, b.pool, `SELECT count(*) FROM resources`))
}

func TestAnAttemptThatIsSupersededDuringACallFinishesNothingAndCallsNothingMore(t *testing.T) {
	b := newBench(t)
	id := submit(t, b.pool, jobs.Pipeline, "k", "")
	e := acquire(t, b.pool, id)
	b.calls.answer = func(_ context.Context, e effects.Effect) error {
		if strings.HasSuffix(e.Key, "/2-build") {
			age(t, b.pool, id)
			acquire(t, b.pool, id)
		}
		return nil
	}
	require.ErrorIs(t, b.run(t.Context(), e), ledger.ErrLost)
	require.Equal(t, []string{"storage pipeline/k/1-fetch by 1", "compute pipeline/k/2-build by 1"}, b.calls.list())
	require.Equal(t, 1, teststores.One[int](t, b.pool, `SELECT count(*) FROM job_steps`))
	arrivals, _ := b.receiver.Arrivals()
	require.Empty(t, arrivals)
}

func TestTroubleOfABackendIsWaitedOutWithinTheAttempt(t *testing.T) {
	b := newBench(t)
	troubles := []error{resilience.ErrOpen, resilience.ErrSaturated, context.DeadlineExceeded, errors.New("answer 503")}
	var n atomic.Int64
	b.calls.answer = func(context.Context, effects.Effect) error {
		if i := int(n.Add(1)) - 1; i < 3*len(troubles) {
			return fmt.Errorf("compute: %w", troubles[i%len(troubles)])
		}
		return nil
	}
	id := submit(t, b.pool, jobs.Provision, "k", "")
	require.NoError(t, b.run(t.Context(), acquire(t, b.pool, id)))
	require.Len(t, b.calls.list(), 3*len(troubles)+5)
}

func TestWhatTheJobItselfDidWrongIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		kind, payload, want string
		refused             bool
	}{
		"too many nodes":          {kind: jobs.Cluster, payload: `{"nodes": 51}`, want: "nodes is 51: want 1 to 50"},
		"fewer than no nodes":     {kind: jobs.Cluster, payload: `{"nodes": -1}`, want: "nodes is -1"},
		"nodes that are none":     {kind: jobs.Cluster, payload: `{"nodes": "three"}`, want: "read payload"},
		"a payload of its own":    {kind: jobs.Provision, payload: `[]`, want: "read payload"},
		"a backend that will not": {kind: jobs.Cluster, want: "step 2-nodes: ", refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.calls.answer = func(ctx context.Context, e effects.Effect) error {
				switch {
				case strings.HasSuffix(e.Key, "/2-nodes/2"):
					return effects.ErrRefused
				case strings.Contains(e.Key, "/2-nodes"): // the others do not keep it waiting
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			e := acquire(t, b.pool, submit(t, b.pool, c.kind, "k", c.payload))
			err := b.run(t.Context(), e)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, c.refused, errors.Is(err, effects.ErrRefused))
			require.Zero(t, teststores.One[int](t, b.pool, `SELECT count(*) FROM resources`))
		})
	}
}

func TestTheNodesOfAClusterAreMadeAllAtOnce(t *testing.T) {
	for payload, nodes := range map[string]int64{"": 5, `{"nodes": 50}`: 50} {
		b := newBench(t)
		all := make(chan struct{})
		var inside atomic.Int64
		b.calls.answer = func(ctx context.Context, e effects.Effect) error {
			if strings.Contains(e.Key, "/2-nodes/") && inside.Add(1) == nodes {
				close(all)
			}
			if strings.Contains(e.Key, "/2-nodes/") {
				select {
				case <-all:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		require.NoError(t, b.run(ctx, acquire(t, b.pool, submit(t, b.pool, jobs.Cluster, "k", payload))))
		cancel()
		require.Equal(t, nodes, teststores.One[int64](t, b.pool, `SELECT size FROM resources`))
		require.Equal(t, nodes, teststores.One[int64](t, b.pool, `SELECT jsonb_array_length(result) FROM job_steps WHERE step = 2`))
	}
}

func TestAJobThatIsToldToStopStopsWaitingForItsBackend(t *testing.T) {
	b := newBench(t)
	b.calls.answer = func(context.Context, effects.Effect) error { return resilience.ErrOpen }
	ctx, stop := context.WithCancelCause(t.Context())
	stopping := errors.New("worker is stopping")
	e := acquire(t, b.pool, submit(t, b.pool, jobs.Provision, "k", ""))
	ended := make(chan error, 1)
	go func() { ended <- b.run(ctx, e) }()
	require.Eventually(t, func() bool { return len(b.calls.list()) > 3 }, 5*time.Second, time.Millisecond)
	stop(stopping)
	select {
	case err := <-ended:
		require.ErrorIs(t, err, stopping)
	case <-time.After(time.Second):
		require.FailNow(t, "it goes on")
	}
}
