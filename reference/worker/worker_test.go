package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

const (
	lease = 400 * time.Millisecond
	sweep = 50 * time.Millisecond
	limit = 200 * time.Millisecond
)

// key is the stream of the lane in which most tests work.
var key = queue.StreamKey(jobs.DefaultLane)

// bench is what the workers of a test share.
type bench struct {
	pool     *pgxpool.Pool
	redis    *redis.Client
	receiver *teststores.Receiver
	ledger   *ledger.Ledger
}

func newBench(t *testing.T) *bench {
	t.Helper()
	pool := stores.Migrated(t)
	client, err := queue.Open(stores.Redis(t).URL(), limit)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return &bench{
		pool: pool, redis: client, receiver: teststores.NewReceiver(t),
		ledger: ledger.New(pool, lease, limit),
	}
}

func (b *bench) stream(lane jobs.Lane, consumer string) *queue.Stream {
	return queue.New(b.redis, lane, consumer, lease, limit, slog.New(slog.DiscardHandler))
}

// tell does what the relay would for jobs of a kind.
func (b *bench) tell(t *testing.T, kind string, ids ...int64) {
	t.Helper()
	list := make([]queue.Job, len(ids))
	for i, id := range ids {
		list[i] = queue.Job{ID: id, Kind: kind}
	}
	_, err := queue.NewFeed(b.redis, limit).Publish(t.Context(), list)
	require.NoError(t, err)
}

// publish submits n jobs of a kind and does what the relay would.
func (b *bench) publish(t *testing.T, kind string, n int) []int64 {
	t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		job, _, err := jobs.NewStore(b.pool, 5*time.Second).Submit(t.Context(), jobs.Submission{Key: fmt.Sprintf("%s-%d", kind, i), Kind: kind})
		require.NoError(t, err)
		ids[i] = job.ID
	}
	b.tell(t, kind, ids...)
	return ids
}

// announce does once more what the relay would, for rows of the default lane
// that are due.
func (b *bench) announce(t *testing.T) {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), `
		UPDATE outbox SET published_at = clock_timestamp()
		WHERE published_at IS NULL AND available_at <= clock_timestamp() AND id > (SELECT min(id) FROM outbox) RETURNING job_id`)
	require.NoError(t, err)
	var ids []int64
	for rows.Next() {
		var id int64
		require.NoError(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(t, rows.Err())
	if len(ids) > 0 {
		b.tell(t, jobs.DefaultKind, ids...)
	}
}

// running is a worker under way.
type running struct {
	stop func() // asks it to stop and waits until it has
	set  *metrics.Set
}

// metrics is what the worker has counted.
func (r *running) metrics() string {
	w := httptest.NewRecorder()
	r.set.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func (b *bench) work(t *testing.T, replica string, kinds map[string]worker.Handler) *running {
	t.Helper()
	return b.workOn(t, replica, b.ledger, kinds)
}

func (b *bench) workOn(t *testing.T, replica string, l worker.Ledger, kinds map[string]worker.Handler) *running {
	t.Helper()
	return b.workIn(t, jobs.DefaultLane, replica, worker.NewSlots(4), l, kinds)
}

func (b *bench) workIn(t *testing.T, lane jobs.Lane, replica string, slots worker.Slots, l worker.Ledger, kinds map[string]worker.Handler) *running {
	t.Helper()
	set := metrics.New()
	client := effects.NewClient(b.receiver.URL(), "t", limit)
	if kinds == nil {
		kinds = map[string]worker.Handler{jobs.DefaultKind: worker.EffectKind(client)}
	}
	w := worker.New(worker.Config{
		Replica: replica, Slots: slots, Lease: lease, Sweep: sweep, Grace: time.Second, MaxFailures: 3,
	}, b.stream(lane, replica), l, kinds, set, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	r := &running{set: set, stop: func() { cancel(); <-done; client.Close() }}
	t.Cleanup(r.stop)
	return r
}

// states waits until all jobs are in that state.
func (b *bench) states(t *testing.T, want jobs.State, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return teststores.One[int](t, b.pool, `SELECT count(*) FROM jobs WHERE state = $1`, string(want)) == n
	}, 10*time.Second, 2*time.Millisecond)
}

// drained waits until the stream holds nothing.
func (b *bench) drained(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		return b.redis.XLen(t.Context(), key).Val() == 0 &&
			b.redis.XPending(t.Context(), key, queue.GroupName).Val().Count == 0
	}, 10*time.Second, 2*time.Millisecond)
}

// once requires that each of n subjects took effect exactly once.
func (b *bench) once(t *testing.T, n int) {
	t.Helper()
	arrivals, _ := b.receiver.Arrivals()
	accepted := map[string]int{}
	for _, a := range arrivals {
		if a.Status == http.StatusOK {
			accepted[a.Subject]++
		}
	}
	require.Len(t, accepted, n)
	for subject, times := range accepted {
		require.Equal(t, 1, times, subject)
	}
}

func TestJobsOfManyWorkersTakeEffectOnceAndLeaveNothingBehind(t *testing.T) {
	b := newBench(t)
	for i := range 3 {
		b.work(t, fmt.Sprint("replica-", i), nil)
	}
	const n = 200
	b.publish(t, jobs.DefaultKind, n)
	b.states(t, jobs.Done, n)
	b.drained(t)
	b.once(t, n)
}

func TestAWorkerThatDiesBetweenEffectAndCompletionIsSucceededWithoutASecondEffect(t *testing.T) {
	b := newBench(t)
	id := b.publish(t, jobs.DefaultKind, 1)[0]
	// What a worker had done when it was killed:
	dead := b.stream(jobs.DefaultLane, "dead")
	require.Eventually(t, func() bool {
		entries, err := dead.Receive(t.Context(), 1, 10*time.Millisecond)
		return err == nil && len(entries) == 1
	}, 5*time.Second, time.Millisecond)
	answers, err := b.ledger.Acquire(t.Context(), "dead", ledger.NewToken(), []int64{id})
	require.NoError(t, err)
	client := effects.NewClient(b.receiver.URL(), "t", limit)
	defer client.Close()
	require.NoError(t, worker.EffectKind(client)(t.Context(), answers[id].Execution))

	died := time.Now()
	b.work(t, "survivor", nil)
	b.states(t, jobs.Done, 1)
	t.Logf("lease %v, sweep %v: taken over %v after the death", lease, sweep, time.Since(died))
	b.drained(t)
	b.once(t, 1)
	arrivals, _ := b.receiver.Arrivals()
	require.Len(t, arrivals, 2)
	require.Equal(t, http.StatusAlreadyReported, arrivals[1].Status)
	require.Equal(t, 2, arrivals[1].Attempt)
}

func TestAJobThatIsRunningElsewhereKeepsItsEntryUntilItIsFinal(t *testing.T) {
	b := newBench(t)
	release := make(chan struct{})
	b.work(t, "replica-1", map[string]worker.Handler{"slow": func(ctx context.Context, _ ledger.Execution) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}})
	id := b.publish(t, "slow", 1)[0]
	b.states(t, jobs.Running, 1)
	b.work(t, "replica-2", nil)
	b.tell(t, jobs.DefaultKind, id) // the same job again
	require.Never(t, func() bool { return b.redis.XLen(t.Context(), key).Val() < 2 }, 3*lease, 10*time.Millisecond)
	require.Equal(t, 1, teststores.One[int](t, b.pool, `SELECT attempt FROM jobs`), "renewed all along, never taken over")
	close(release)
	b.states(t, jobs.Done, 1)
	b.drained(t)
}

func TestAnUnknownKindIsDeadLetteredLoudly(t *testing.T) {
	b := newBench(t)
	b.work(t, "replica-1", nil)
	b.publish(t, "teleport", 1)
	b.publish(t, jobs.DefaultKind, 1)
	b.states(t, jobs.Dead, 1)
	b.states(t, jobs.Done, 1)
	b.drained(t)
	require.Equal(t, `unknown kind "teleport"`, teststores.One[string](t, b.pool, `SELECT reason FROM dead_letters`))
	b.once(t, 1)
}

func TestAJobThatFailsByItsOwnFaultIsTriedAgainAndThenDeadLettered(t *testing.T) {
	b := newBench(t)
	var tries atomic.Int64
	b.work(t, "replica-1", map[string]worker.Handler{"bad": func(context.Context, ledger.Execution) error {
		tries.Add(1)
		return errors.New("its own fault")
	}})
	b.publish(t, "bad", 1)
	require.Eventually(t, func() bool {
		b.announce(t)
		return teststores.One[int](t, b.pool, `SELECT count(*) FROM dead_letters`) == 1
	}, 10*time.Second, 5*time.Millisecond)
	b.drained(t)
	require.Equal(t, int64(3), tries.Load())
	require.Equal(t, 3, teststores.One[int](t, b.pool, `SELECT failures FROM jobs WHERE state = 'dead' AND error = 'its own fault'`))
}

func TestTroubleOfTheReceiverIsWaitedOutWithinTheAttempt(t *testing.T) {
	b := newBench(t)
	b.receiver.Answer(func(teststores.Arrival) int { return http.StatusServiceUnavailable })
	b.work(t, "replica-1", nil)
	b.publish(t, jobs.DefaultKind, 3)
	b.states(t, jobs.Running, 3)
	<-time.After(2 * lease)
	b.receiver.Answer(nil)
	b.states(t, jobs.Done, 3)
	b.once(t, 3)
	require.Equal(t, 3, teststores.One[int](t, b.pool, `SELECT sum(attempt) FROM jobs`))
	require.Zero(t, teststores.One[int](t, b.pool, `SELECT sum(failures) FROM jobs`))
}

func TestAnEntryOfNoJobIsRejected(t *testing.T) {
	b := newBench(t)
	b.work(t, "replica-1", nil)
	b.tell(t, jobs.DefaultKind, 404)
	require.Eventually(t, func() bool { return b.redis.XLen(t.Context(), queue.MalformedKey).Val() == 1 }, 5*time.Second, 2*time.Millisecond)
	b.drained(t)
}

// counting counts how often jobs are asked for.
type counting struct {
	worker.Ledger
	acquires *atomic.Int64
}

func (l counting) Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error) {
	l.acquires.Add(1)
	return l.Ledger.Acquire(ctx, owner, token, ids)
}

func TestEveryEntryOfAFinishedJobIsAcknowledgedAtOnce(t *testing.T) {
	b := newBench(t)
	l := counting{b.ledger, new(atomic.Int64)}
	b.workOn(t, "replica-1", l, nil)
	id := b.publish(t, jobs.DefaultKind, 1)[0]
	b.states(t, jobs.Done, 1)
	b.drained(t)
	before := l.acquires.Load()
	b.tell(t, jobs.DefaultKind, id, id, id, id)
	b.drained(t)
	require.Less(t, l.acquires.Load()-before, int64(4), "not one by one, with a lease between them")
}
