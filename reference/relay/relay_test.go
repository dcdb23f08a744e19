package relay_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/relay"
)

// published collects what is published; it fails while told to.
type published struct {
	mu   sync.Mutex
	jobs []int64
	fail error
}

func (p *published) Publish(_ context.Context, jobs []queue.Job) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return "", p.fail
	}
	for _, job := range jobs {
		p.jobs = append(p.jobs, job.ID)
	}
	return "generation", nil
}

func (p *published) list() []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int64(nil), p.jobs...)
}

func (p *published) failing(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// holder makes term 1 the current one and returns a context that acts under it.
func holder(t *testing.T, pool *pgxpool.Pool) context.Context {
	t.Helper()
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 1, 'replica-1')`)
	return leadership.WithLease(t.Context(), leadership.NewLease("control", 1, func() error { return nil }))
}

// run runs a relay until the test ends and returns what it ends with.
func run(t *testing.T, ctx context.Context, pool *pgxpool.Pool, p relay.Publisher, woken <-chan struct{}) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	r := &relay.Relay{
		Outbox: relay.NewStore(pool, 5*time.Second), Publisher: p, Woken: woken,
		Metrics: metrics.New(), Log: slog.New(slog.DiscardHandler),
	}
	ended := make(chan error, 1)
	done := make(chan struct{})
	go func() { defer close(done); ended <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return ended
}

const insertJob = `
	WITH job AS (INSERT INTO jobs (key, kind, subject, payload) VALUES ($1, 'effect', 's', 'null') RETURNING id)
	INSERT INTO outbox (job_id) SELECT id FROM job RETURNING job_id`

func TestARowThatCommitsAfterHigherIDsWerePublishedIsNotSkipped(t *testing.T) {
	pool := stores.Migrated(t)
	late, err := pool.Begin(t.Context())
	require.NoError(t, err)
	var lateJob int64
	require.NoError(t, late.QueryRow(t.Context(), insertJob, "late").Scan(&lateJob))
	early := teststores.One[int64](t, pool, insertJob, "early")
	require.Greater(t, early, lateJob)

	p := &published{}
	run(t, holder(t, pool), pool, p, nil)
	require.Eventually(t, func() bool { return len(p.list()) == 1 }, 5*time.Second, time.Millisecond)
	require.NoError(t, late.Commit(t.Context()))
	require.Eventually(t, func() bool { return len(p.list()) == 2 }, 5*time.Second, time.Millisecond)
	require.Equal(t, []int64{early, lateJob}, p.list())
	require.Eventually(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM outbox
			WHERE published_at IS NOT NULL AND published_term = 1 AND published_generation = 'generation'`) == 2
	}, 5*time.Second, time.Millisecond)
}

func TestABacklogIsPublishedInOrderAcrossBatchesAndFailures(t *testing.T) {
	pool := stores.Migrated(t)
	const n = 1200
	teststores.Exec(t, pool, `
		WITH job AS (INSERT INTO jobs (key, kind, subject, payload) SELECT g, 'effect', 's', 'null' FROM generate_series(1, $1::int) g RETURNING id)
		INSERT INTO outbox (job_id) SELECT id FROM job ORDER BY id`, n)
	p := &published{fail: errors.New("Redis is away")}
	run(t, holder(t, pool), pool, p, nil)
	require.Never(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE published_at IS NOT NULL`) > 0
	}, 100*time.Millisecond, 10*time.Millisecond, "marked before it was published")
	p.failing(nil)
	require.Eventually(t, func() bool { return len(p.list()) == n }, 5*time.Second, time.Millisecond)
	require.IsIncreasing(t, p.list())
}

func TestARowThatIsDueLaterWaitsAndHoldsUpNobody(t *testing.T) {
	pool := stores.Migrated(t)
	job := teststores.One[int64](t, pool, insertJob, "later")
	teststores.Exec(t, pool, `UPDATE outbox SET available_at = clock_timestamp() + interval '300 milliseconds'`)
	next := teststores.One[int64](t, pool, insertJob, "now")
	p := &published{}
	run(t, holder(t, pool), pool, p, nil)
	require.Eventually(t, func() bool { return len(p.list()) == 2 }, 5*time.Second, time.Millisecond)
	require.Equal(t, []int64{next, job}, p.list())
}

func TestARelayWhoseTermIsSupersededMarksNothingAndStops(t *testing.T) {
	pool := stores.Migrated(t)
	ctx := holder(t, pool)
	teststores.Exec(t, pool, `UPDATE leadership SET term = 2`)
	teststores.One[int64](t, pool, insertJob, "k")
	ended := run(t, ctx, pool, &published{}, nil)
	require.ErrorIs(t, <-ended, leadership.ErrTermLost)
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE published_at IS NOT NULL`))
}

func TestASubmissionWakesTheRelay(t *testing.T) {
	pool := stores.Migrated(t)
	woken := make(chan struct{}, 1)
	p := &published{}
	run(t, holder(t, pool), pool, p, woken)
	for n := 1; n <= 20; n++ {
		teststores.One[int64](t, pool, insertJob, "k"+string(rune('a'+n)))
		woken <- struct{}{}
		require.Eventually(t, func() bool { return len(p.list()) == n }, 5*time.Second, time.Millisecond)
	}
}

func TestEachRowGoesToTheLaneOfItsJobsKindInOrder(t *testing.T) {
	pool := stores.Migrated(t)
	client := stores.Redis(t).Client(t)
	const each = 300 // the batch cuts through it
	teststores.Exec(t, pool, `
		WITH job AS (
			INSERT INTO jobs (key, kind, subject, payload)
			SELECT g, (ARRAY['effect', 'provision', 'cluster', 'pipeline', 'teleport'])[1 + g % 5], 's', 'null'
			FROM generate_series(1, 5 * $1::int) g RETURNING id
		)
		INSERT INTO outbox (job_id) SELECT id FROM job ORDER BY id`, each)
	run(t, holder(t, pool), pool, queue.NewFeed(client, 5*time.Second), nil)
	require.Eventually(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM outbox WHERE published_at IS NULL`) == 0
	}, 10*time.Second, 5*time.Millisecond)
	for lane, kinds := range map[jobs.Lane]string{
		jobs.DefaultLane: "effect,teleport", jobs.ProvisionLane: "provision", jobs.ClusterLane: "cluster", jobs.PipelineLane: "pipeline",
	} {
		var published []string
		for _, m := range client.XRange(t.Context(), queue.StreamKey(lane), "-", "+").Val() {
			published = append(published, m.Values["job"].(string))
		}
		wanted := teststores.One[[]string](t, pool,
			`SELECT array_agg(id::text ORDER BY id) FROM jobs WHERE kind = ANY (string_to_array($1, ','))`, kinds)
		require.Equal(t, wanted, published, lane)
	}
}
