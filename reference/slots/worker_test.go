package slots_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/slots"
)

const every = 20 * time.Millisecond

// lead runs a task that makes up for what it missed, under a term, until stop
// is called.
func lead(t *testing.T, pool *pgxpool.Pool, r *teststores.Receiver, term uint64) (ended <-chan error, stop func()) {
	t.Helper()
	return leadA(t, pool, r, term, true)
}

func leadA(t *testing.T, pool *pgxpool.Pool, r *teststores.Receiver, term uint64, catchUp bool) (ended <-chan error, stop func()) {
	t.Helper()
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', $1, 'r')
		ON CONFLICT (key) DO UPDATE SET term = $1`, int64(term))
	client := effects.NewClient(r.URL(), "t", time.Second)
	c := &slots.Worker{
		Task: "cron", Slots: slots.NewStore(pool, "cron", every, 5*time.Second), CatchUp: catchUp,
		Act: func(ctx context.Context, subject string) (json.RawMessage, error) {
			return nil, effects.AsHolder(ctx, client, subject)
		},
		Metrics: metrics.New(), Log: slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(t.Context())
	ctx = leadership.WithLease(ctx, leadership.NewLease("control", term, func() error { return nil }))
	result, done := make(chan error, 1), make(chan struct{})
	go func() { defer close(done); result <- c.Run(ctx) }()
	stop = func() { cancel(); <-done; client.Close() }
	t.Cleanup(stop)
	return result, stop
}

// acted are the subjects that took effect, in order.
func acted(r *teststores.Receiver) []string {
	arrivals, _ := r.Arrivals()
	var list []string
	for _, a := range arrivals {
		if a.Status == http.StatusOK && strings.HasPrefix(a.Subject, "cron/") {
			list = append(list, a.Subject)
		}
	}
	return list
}

// gapless requires that no slot is missing between the first and the last, and
// that each took effect once, in order.
func gapless(t *testing.T, pool *pgxpool.Pool, r *teststores.Receiver) {
	t.Helper()
	list := acted(r)
	require.NotEmpty(t, list)
	require.IsIncreasing(t, list) // of equal length, so also in number
	first := teststores.One[int64](t, pool, `SELECT min(slot) + 1 FROM slots`)
	last := first + int64(len(list)) - 1
	require.Equal(t, "cron/"+itoa(t, pool, first), list[0])
	require.Equal(t, "cron/"+itoa(t, pool, last), list[len(list)-1], "no slot is missing")
}

func itoa(t *testing.T, pool *pgxpool.Pool, n int64) string {
	t.Helper()
	return teststores.One[string](t, pool, `SELECT $1::bigint::text`, n)
}

func TestEverySlotTakesEffectOnceInOrderAcrossLeadersAndPauses(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	for term := uint64(1); term <= 3; term++ {
		before := len(acted(r))
		_, stop := lead(t, pool, r, term)
		require.Eventually(t, func() bool { return len(acted(r)) >= before+5 }, 10*time.Second, time.Millisecond)
		stop()
		<-time.After(5 * every) // nobody leads
	}
	_, stop := lead(t, pool, r, 4)
	before := len(acted(r))
	require.Eventually(t, func() bool { return len(acted(r)) > before }, 10*time.Second, time.Millisecond)
	stop()
	gapless(t, pool, r)
}

func TestASlotWhoseEffectWasNotRecordedIsRepeatedWithTheSameKey(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	_, stop := lead(t, pool, r, 1)
	require.Eventually(t, func() bool { return len(acted(r)) >= 3 }, 10*time.Second, time.Millisecond)
	stop()
	// The leader died between the effect and its record.
	teststores.Exec(t, pool, `DELETE FROM slots WHERE slot = (SELECT max(slot) FROM slots)`)
	_, stop = lead(t, pool, r, 2)
	before := len(acted(r))
	require.Eventually(t, func() bool { return len(acted(r)) >= before+2 }, 10*time.Second, time.Millisecond)
	stop()
	gapless(t, pool, r)
	arrivals, _ := r.Arrivals()
	seen := 0
	for _, a := range arrivals {
		if a.Status == http.StatusAlreadyReported {
			seen++
		}
	}
	require.Positive(t, seen)
}

func TestAReceiverThatIsAwayDelaysSlotsAndLosesNone(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	_, stop := lead(t, pool, r, 1)
	require.Eventually(t, func() bool { return len(acted(r)) >= 2 }, 10*time.Second, time.Millisecond)
	r.Answer(func(teststores.Arrival) int { return http.StatusServiceUnavailable })
	<-time.After(5 * every)
	r.Answer(nil)
	before := len(acted(r))
	require.Eventually(t, func() bool { return len(acted(r)) >= before+8 }, 10*time.Second, time.Millisecond)
	stop()
	gapless(t, pool, r)
}

func TestASupersededLeaderIsToldByTheReceiverOrByTheFence(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	ended, _ := lead(t, pool, r, 1)
	require.Eventually(t, func() bool { return len(acted(r)) >= 1 }, 10*time.Second, time.Millisecond)
	next, stop := lead(t, pool, r, 2)
	require.ErrorIs(t, <-ended, leadership.ErrTermLost)
	stop()
	require.NoError(t, <-next)
	gapless(t, pool, r)
}

func TestAnotherIntervalNumbersItsSlotsAnew(t *testing.T) {
	pool := stores.Migrated(t)
	teststores.Exec(t, pool, `INSERT INTO slots (task, every_ms, slot, leadership, term) VALUES ('cron', 1000, 1, 'control', 1)`)
	due, err := slots.NewStore(pool, "cron", every, 5*time.Second).Due(t.Context())
	require.NoError(t, err)
	require.True(t, due.New)
	require.Equal(t, due.First, due.Last, "nothing to make up for")
	require.LessOrEqual(t, due.Next, every)
}

func TestATaskThatDoesNotMakeUpForWhatItMissedActsInTheLatestSlotOnly(t *testing.T) {
	pool, r := stores.Migrated(t), teststores.NewReceiver(t)
	_, stop := leadA(t, pool, r, 1, false)
	require.Eventually(t, func() bool { return len(acted(r)) >= 2 }, 10*time.Second, time.Millisecond)
	stop()
	last := teststores.One[int64](t, pool, `SELECT max(slot) FROM slots`)
	<-time.After(10 * every) // nobody leads
	_, stop = leadA(t, pool, r, 2, false)
	require.Eventually(t, func() bool {
		return teststores.One[int64](t, pool, `SELECT max(slot) FROM slots`) > last
	}, 10*time.Second, time.Millisecond)
	stop()
	next := teststores.One[int64](t, pool, `SELECT min(slot) FROM slots WHERE slot > $1`, last)
	require.GreaterOrEqual(t, next, last+10, "what was missed stays missed")
}

func TestOfEachTaskOnlyTheLatestSlotsAreKept(t *testing.T) {
	pool := stores.Migrated(t)
	teststores.Exec(t, pool, `INSERT INTO leadership (key, term, holder) VALUES ('control', 1, 'r')`)
	teststores.Exec(t, pool, `INSERT INTO slots (task, every_ms, slot, leadership, term)
		SELECT task, 20, n, 'control', 1 FROM generate_series(1, 1500) n, unnest(ARRAY['cron', 'other']) task`)
	ctx := leadership.WithLease(t.Context(), leadership.NewLease("control", 1, func() error { return nil }))
	require.NoError(t, slots.NewStore(pool, "cron", every, 5*time.Second).Record(ctx, 1501, nil))
	require.EqualValues(t, 1000, teststores.One[int64](t, pool, `SELECT count(*) FROM slots WHERE task = 'cron'`))
	require.EqualValues(t, 1500, teststores.One[int64](t, pool, `SELECT count(*) FROM slots WHERE task = 'other'`))
}
