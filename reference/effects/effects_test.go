package effects_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/leadership"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, base string, limit time.Duration) *effects.Client {
	t.Helper()
	c := effects.NewClient(base, "token", limit)
	t.Cleanup(c.Close)
	return c
}

func TestAnswersAndWhatTheyMean(t *testing.T) {
	for _, c := range []struct {
		name      string
		status    int
		outcome   effects.Outcome
		err       error
		temporary bool
	}{
		{"200 is accepted", http.StatusOK, effects.Accepted, nil, false},
		{"208 was seen before", http.StatusAlreadyReported, effects.Seen, nil, false},
		{"409 is stale for good", http.StatusConflict, "", effects.ErrStale, false},
		{"400 is refused for good", http.StatusBadRequest, "", effects.ErrRefused, false},
		{"422 is refused for good", http.StatusUnprocessableEntity, "", effects.ErrRefused, false},
		{"401 is about the sender", http.StatusUnauthorized, "", nil, true},
		{"429 is about the moment", http.StatusTooManyRequests, "", nil, true},
		{"500 is temporary", http.StatusInternalServerError, "", nil, true},
		{"503 is temporary", http.StatusServiceUnavailable, "", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := teststores.NewReceiver(t)
			r.Answer(func(teststores.Arrival) int { return c.status })
			outcome, err := client(t, r.URL(), time.Second).Report(t.Context(), effects.Effect{Subject: "s", Key: "k", Kind: effects.Once})
			require.Equal(t, c.outcome, outcome)
			require.Equal(t, c.temporary, effects.Temporary(err))
			switch {
			case c.err != nil:
				require.ErrorIs(t, err, c.err)
			case !c.temporary:
				require.NoError(t, err)
			}
		})
	}
}

func TestABlackHoleCostsOneLimit(t *testing.T) {
	r := teststores.NewReceiver(t)
	link := teststores.NewForwarder(t, strings.TrimPrefix(r.URL(), "http://"))
	c := client(t, "http://"+link.Addr(), 200*time.Millisecond)
	e := effects.Effect{Subject: "s", Key: "k", Kind: effects.Once}
	_, err := c.Report(t.Context(), e)
	require.NoError(t, err)
	link.BlackHole(true)
	began := time.Now()
	_, err = c.Report(t.Context(), e)
	require.True(t, effects.Temporary(err))
	require.Less(t, time.Since(began), time.Second)
	link.BlackHole(false)
	outcome, err := c.Report(t.Context(), e)
	require.NoError(t, err, "what went silent is not used again")
	require.Equal(t, effects.Seen, outcome)
}

func TestEffectsOfAHolder(t *testing.T) {
	lost := func() error { return leadership.ErrTermLost }
	held := func() error { return nil }

	t.Run("carry leadership, term and the subject as key, and are repeated until they are known to have happened", func(t *testing.T) {
		r := teststores.NewReceiver(t)
		failures := 2
		r.Answer(func(teststores.Arrival) int {
			if failures--; failures >= 0 {
				return http.StatusServiceUnavailable
			}
			return 0
		})
		ctx := leadership.WithLease(t.Context(), leadership.NewLease("control", 3, held))
		require.NoError(t, effects.AsHolder(ctx, client(t, r.URL(), time.Second), "cron/7"))
		arrivals, _ := r.Arrivals()
		require.Len(t, arrivals, 3)
		a := arrivals[2]
		require.Equal(t, []any{"cron/7", "cron/7", "fenced", "control", uint64(3), 200},
			[]any{a.Subject, a.Key, a.Kind, a.Leadership, a.Term, a.Status})
	})
	t.Run("are not sent once the lease has expired", func(t *testing.T) {
		r := teststores.NewReceiver(t)
		ctx := leadership.WithLease(t.Context(), leadership.NewLease("control", 3, lost))
		require.ErrorIs(t, effects.AsHolder(ctx, client(t, r.URL(), time.Second), "cron/7"), leadership.ErrTermLost)
		arrivals, _ := r.Arrivals()
		require.Empty(t, arrivals)
	})
	t.Run("end the leadership when they are stale", func(t *testing.T) {
		r := teststores.NewReceiver(t)
		c := client(t, r.URL(), time.Second)
		newer := leadership.WithLease(t.Context(), leadership.NewLease("control", 4, held))
		require.NoError(t, effects.AsHolder(newer, c, "cron/7"))
		older := leadership.WithLease(t.Context(), leadership.NewLease("control", 3, held))
		require.ErrorIs(t, effects.AsHolder(older, c, "cron/8"), leadership.ErrTermLost)
	})
	t.Run("need a lease", func(t *testing.T) {
		require.ErrorIs(t, effects.AsHolder(t.Context(), client(t, "http://127.0.0.1:1", time.Second), "s"), leadership.ErrNotHolder)
	})
	t.Run("begin with the announcement of the term", func(t *testing.T) {
		r := teststores.NewReceiver(t)
		ctx, cancel := context.WithCancel(leadership.WithLease(t.Context(), leadership.NewLease("control", 3, held)))
		done := make(chan error, 1)
		go func() { done <- effects.Announcer{Reporter: client(t, r.URL(), time.Second)}.Run(ctx) }()
		require.Eventually(t, func() bool { a, _ := r.Arrivals(); return len(a) == 1 }, 5*time.Second, time.Millisecond)
		cancel()
		require.NoError(t, <-done)
		arrivals, _ := r.Arrivals()
		require.Equal(t, "leadership/control/3", arrivals[0].Subject)
	})
}
