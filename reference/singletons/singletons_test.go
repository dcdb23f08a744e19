package singletons_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/singletons"
	"github.com/drillrun/drillrun/reference/slots"
)

// direct calls one receiver for every backend, under its name.
type direct struct{ *effects.Client }

func (d direct) Call(ctx context.Context, _ backends.Name, e effects.Effect) (effects.Outcome, error) {
	return d.Report(ctx, e)
}

func (d direct) Ping(context.Context, backends.Name) error { return nil }

// run runs all workers as the holder of their leadership in a term, until stop.
func run(t *testing.T, pool *pgxpool.Pool, r *teststores.Receiver, term uint64) (ended <-chan error, stop func()) {
	t.Helper()
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', $1, 'r')
		ON CONFLICT (key) DO UPDATE SET term = $1`, int64(term))
	client := effects.NewClient(r.URL(), "t", time.Second)
	all := singletons.All(singletons.Config{
		DB: pool, Reporter: client, Backends: direct{client}, Limit: 5 * time.Second,
		Slots: func(task string) slots.Slots {
			return slots.NewStore(pool, task, 50*time.Millisecond, 5*time.Second)
		},
		Metrics: metrics.New(), Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(t.Context())
	ctx = leadership.WithLease(ctx, leadership.NewLease("control", term, func() error { return nil }))
	errs := make(chan error, len(all))
	done := make(chan struct{}, len(all))
	for _, s := range all {
		go func() { errs <- s.Run(ctx); done <- struct{}{} }()
	}
	stop = func() {
		cancel()
		for range all {
			<-done
		}
		client.Close()
	}
	return errs, stop
}

// acted are the workers that have taken effect, and how often in their busiest
// slot.
func acted(r *teststores.Receiver) (names map[string]bool, most int) {
	arrivals, _ := r.Arrivals()
	names, slot := map[string]bool{}, map[string]int{}
	for _, a := range arrivals {
		if a.Status == http.StatusOK {
			name, _, _ := strings.Cut(a.Subject, "/")
			names[name] = true
			slot[a.Subject]++
			most = max(most, slot[a.Subject])
		}
	}
	return names, most
}

func TestAllElevenActOncePerSlotAndRecordIt(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	_, stop := run(t, pool, r, 1)
	defer stop()
	require.Eventually(t, func() bool { names, _ := acted(r); return len(names) == 11 }, 10*time.Second, time.Millisecond)
	require.Eventually(t, func() bool {
		return teststores.One[int64](t, pool, `SELECT count(DISTINCT task) FROM slots WHERE decision IS NOT NULL OR task = 'cron'`) == 11
	}, 10*time.Second, time.Millisecond)
	names, most := acted(r)
	for _, name := range singletons.Names() {
		require.True(t, names[name], name)
	}
	require.Equal(t, 1, most)
}

func TestWhatIsDecidedIsCarriedOut(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	teststores.Exec(t, pool, `INSERT INTO jobs (key, kind, subject, payload) VALUES ('k', 'provision', 's', '{}')`)
	teststores.Exec(t, pool, `INSERT INTO resources (kind, name, job_id, size, state)
		SELECT 'provision', 'r' || n, (SELECT id FROM jobs), 1, CASE WHEN n = 7 THEN 'failed' ELSE 'running' END
		FROM generate_series(1, 1003) n`)
	_, stop := run(t, pool, r, 1)
	defer stop()
	require.Eventually(t, func() bool {
		return teststores.One[int64](t, pool, `SELECT count(*) FROM resources WHERE state = 'failed'`) == 0
	}, 10*time.Second, time.Millisecond, "healing")
	require.Eventually(t, func() bool {
		return teststores.One[int64](t, pool, `SELECT count(*) FROM resources WHERE state = 'running'`) == 1000
	}, 10*time.Second, time.Millisecond, "lifecycle keeps the newest")
	require.Equal(t, "r3", teststores.One[string](t, pool, `SELECT name FROM resources WHERE state = 'expired' ORDER BY id DESC LIMIT 1`))
}

func TestASupersededHolderStopsAllOfThem(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	ended, stopOld := run(t, pool, r, 1)
	require.Eventually(t, func() bool { names, _ := acted(r); return len(names) == 11 }, 10*time.Second, time.Millisecond)
	_, stopNew := run(t, pool, r, 2)
	defer stopNew()
	for range singletons.Names() {
		require.ErrorIs(t, <-ended, leadership.ErrTermLost)
	}
	stopOld()
	_, most := acted(r)
	require.Equal(t, 1, most)
}
