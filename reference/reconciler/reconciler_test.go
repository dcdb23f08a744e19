package reconciler_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
)

func holder(t *testing.T, pool *pgxpool.Pool, term uint64) context.Context {
	t.Helper()
	return leadership.WithLease(t.Context(), leadership.NewLease("control", term, func() error { return nil }))
}

// job inserts a job in that state, renewed that long ago, with an outbox row
// published as long ago in generation "old", or not at all.
func job(t *testing.T, pool *pgxpool.Pool, key, state, age string, published bool) int64 {
	t.Helper()
	id := teststores.One[int64](t, pool, `
		INSERT INTO jobs (key, kind, subject, payload, state, token, renewed_at)
		VALUES ($1, 'effect', 's', 'null', $2, gen_random_uuid(), clock_timestamp() - $3::text::interval) RETURNING id`, key, state, age)
	teststores.Exec(t, pool, `
		INSERT INTO outbox (job_id, published_at, published_term, published_generation)
		SELECT $1, t, 1, CASE WHEN t IS NOT NULL THEN 'old' END
		FROM (SELECT CASE WHEN $2 THEN clock_timestamp() - $3::text::interval END) p (t)`, id, published, age)
	return id
}

func TestWhatIsSentBackToTheOutbox(t *testing.T) {
	for _, c := range []struct {
		name       string
		state, age string
		published  bool
		generation string
		sentBack   bool
	}{
		{"a fresh job of this generation is left alone", "queued", "1 second", true, "old", false},
		{"a job of another generation was lost with it", "queued", "1 second", true, "new", true},
		{"a running job of another generation needs an entry, too", "running", "1 second", true, "new", true},
		{"a silent job is sent back", "queued", "1 minute", true, "old", true},
		{"a silent execution is sent back", "running", "1 minute", true, "old", true},
		{"a job that is not published is the relay's", "queued", "1 minute", false, "new", false},
		{"a finished job is left alone", "done", "1 minute", true, "new", false},
		{"a dead job is left alone", "dead", "1 minute", true, "new", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := stores.Migrated(t)
			teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 7, 'replica-1')`)
			id := job(t, pool, "k", c.state, c.age, c.published)
			s := reconciler.NewStore(pool, 5*time.Second)
			want := int64(0)
			if c.sentBack {
				want = 1
			}
			n, err := s.Republish(holder(t, pool, 7), c.generation, 30*time.Second)
			require.NoError(t, err)
			require.Equal(t, want, n)
			require.Equal(t, want, teststores.One[int64](t, pool,
				`SELECT count(*) FROM outbox WHERE job_id = $1 AND enqueued_term = 7 AND published_at IS NULL`, id))
			n, err = s.Republish(holder(t, pool, 7), c.generation, 30*time.Second)
			require.NoError(t, err)
			require.Zero(t, n, "once is enough")
		})
	}
}

func TestAFlushLosesTheJobsOfAllLanesAndAllArePublishedAgain(t *testing.T) {
	pool := stores.Migrated(t)
	client := stores.Redis(t).Client(t)
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 7, 'replica-1')`)
	const each = 20
	teststores.Exec(t, pool, `
		WITH job AS (
			INSERT INTO jobs (key, kind, subject, payload)
			SELECT g, (ARRAY['effect', 'provision', 'cluster', 'pipeline'])[1 + g % 4], 's', 'null'
			FROM generate_series(1, 4 * $1::int) g RETURNING id
		)
		INSERT INTO outbox (job_id) SELECT id FROM job`, each)
	feed := queue.NewFeed(client, 5*time.Second)
	ctx, cancel := context.WithCancel(holder(t, pool, 7))
	discard := slog.New(slog.DiscardHandler)
	r := &reconciler.Reconciler{
		Queue: feed, Jobs: reconciler.NewStore(pool, 5*time.Second), Every: 10 * time.Millisecond, Quiet: time.Hour,
		Metrics: metrics.New(), Log: discard,
	}
	moving := &relay.Relay{Outbox: relay.NewStore(pool, 5*time.Second), Publisher: feed, Metrics: metrics.New(), Log: discard}
	var running sync.WaitGroup
	for _, s := range []leadership.Singleton{r, moving} {
		running.Go(func() { assert.NoError(t, s.Run(ctx)) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })

	published := func() bool {
		for _, lane := range jobs.Lanes() {
			seen := map[any]bool{}
			for _, m := range client.XRange(t.Context(), queue.StreamKey(lane), "-", "+").Val() {
				seen[m.Values["job"]] = true
			}
			if len(seen) != each {
				return false
			}
		}
		return true
	}
	require.Eventually(t, published, 5*time.Second, 5*time.Millisecond)
	require.NoError(t, client.FlushAll(t.Context()).Err())
	require.Eventually(t, published, 5*time.Second, 5*time.Millisecond)
}

func TestASupersededLeaderSendsNothingBack(t *testing.T) {
	pool := stores.Migrated(t)
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 8, 'replica-2')`)
	job(t, pool, "k", "queued", "1 minute", true)
	_, err := reconciler.NewStore(pool, 5*time.Second).Republish(holder(t, pool, 7), "new", 30*time.Second)
	require.ErrorIs(t, err, leadership.ErrTermLost)
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM outbox`))
}

func TestALongBacklogIsNotSilence(t *testing.T) {
	pool := stores.Migrated(t)
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 7, 'replica-1')`)
	job(t, pool, "k", "queued", "1 minute", true)
	lag := 2 * time.Minute
	n, err := reconciler.NewStore(pool, 5*time.Second).Republish(holder(t, pool, 7), "old", 30*time.Second+lag)
	require.NoError(t, err)
	require.Zero(t, n)
}
