package controlplane_test

import (
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
)

// code waits for a replica's end and returns its exit code, -1 for a signal.
func (c *child) code(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case err := <-c.exit:
		if err == nil {
			return 0
		}
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit)
		return exit.ExitCode()
	case <-time.After(within):
		require.FailNow(t, "it did not end")
		return 0
	}
}

func (c *child) submit(t *testing.T, key string) {
	t.Helper()
	status, text := c.call(http.MethodPost, "/v1/jobs", fmt.Sprintf(`{"key":%q}`, key))
	require.Equal(t, http.StatusAccepted, status, text)
}

func TestAnInvalidRoleEndsTheProcessWithANonZeroExit(t *testing.T) {
	w := newWorld(t)
	require.Equal(t, 3, w.start(t, "replica-1", "ROLE=leader").code(t, 5*time.Second))
}

func TestAnAPIServesAndAWorkerWorksAndEachDoesNothingElse(t *testing.T) {
	w := newWorld(t)
	api := w.start(t, "api", "ROLE=api")
	api.awaitReady(t)
	api.submit(t, "k")
	holder, _ := api.leader(t)
	require.Empty(t, holder, "an API does not campaign")
	worker := w.start(t, "worker", "ROLE=worker")
	w.exactlyOnce(t, "job/", 1)
	status, _ := worker.ready()
	require.Zero(t, status, "a worker serves no API")
	require.NoError(t, worker.cmd.Process.Signal(sigterm))
	require.Zero(t, worker.code(t, 4*time.Second))
	require.NoError(t, api.cmd.Process.Signal(syscall.SIGINT))
	require.Zero(t, api.code(t, 4*time.Second))
}

func TestALeaderThatIsToldToStopHandsOverAtOnceAndEndsWithZero(t *testing.T) {
	w := newWorld(t)
	a := w.start(t, "replica-1")
	a.awaitReady(t)
	w.arrival(t, 10*time.Second, func(e teststores.Arrival) bool { return e.Term == 1 })
	b := w.start(t, "replica-2")
	b.awaitReady(t)
	for i := range 50 {
		a.submit(t, fmt.Sprint("k", i))
	}
	told := time.Now()
	require.NoError(t, a.cmd.Process.Signal(sigterm))
	next := w.arrival(t, 10*time.Second, func(e teststores.Arrival) bool { return e.Term == 2 })
	t.Logf("handover after SIGTERM: %v", next.At.Sub(told))
	require.Zero(t, a.code(t, 4*time.Second))
	t.Logf("ended after %v", time.Since(told))
	w.exactlyOnce(t, "job/", 50)
}

func TestASecondSignalEndsAReplicaOnTheSpot(t *testing.T) {
	w := newWorld(t)
	w.receiver.Answer(func(a teststores.Arrival) int {
		if strings.HasPrefix(a.Subject, "job/") {
			return http.StatusServiceUnavailable
		}
		return 0
	})
	a := w.start(t, "replica-1", "GRACE=30s")
	a.awaitReady(t)
	a.submit(t, "k")
	w.arrival(t, 10*time.Second, func(e teststores.Arrival) bool { return e.Subject == "job/k" })
	require.NoError(t, a.cmd.Process.Signal(sigterm))
	select {
	case <-a.exit:
		require.FailNow(t, "did not wait for its job")
	case <-time.After(300 * time.Millisecond):
	}
	require.NoError(t, a.cmd.Process.Signal(sigterm))
	require.Equal(t, 1, a.code(t, 3*time.Second))
}

func TestAFrozenLeaderIsSucceededAndDoesNothingWhenItWakesUp(t *testing.T) {
	w := newWorld(t)
	a := w.start(t, "replica-1")
	a.awaitReady(t)
	w.arrival(t, 10*time.Second, func(e teststores.Arrival) bool { return e.Term == 1 })
	b := w.start(t, "replica-2")
	b.awaitReady(t)
	frozen := time.Now()
	require.NoError(t, a.cmd.Process.Signal(syscall.SIGSTOP))
	next := w.arrival(t, 10*time.Second, func(e teststores.Arrival) bool { return e.Term == 2 })
	t.Logf("ttl 2s: succeeded %v after the freeze", next.At.Sub(frozen))
	require.Less(t, next.At.Sub(frozen), 3*time.Second)
	require.NoError(t, a.cmd.Process.Signal(syscall.SIGCONT))
	a.awaitReady(t)
	a.submit(t, "k")
	w.exactlyOnce(t, "job/", 1)
	arrivals, _ := w.receiver.Arrivals()
	for _, e := range arrivals {
		if e.At.After(next.At) && e.Term == 1 {
			require.Equal(t, http.StatusConflict, e.Status)
		}
	}
}

func TestReplicasStartWithoutStoresAndComeBackWithThem(t *testing.T) {
	p, r := stores.Postgres(t), stores.Redis(t)
	require.NoError(t, p.Stop())
	require.NoError(t, r.Stop())
	w := world{database: p.URL(), redis: r.URL(), receiver: teststores.NewReceiver(t)}
	c := w.start(t, "replica-1")
	degraded := func(names ...string) {
		t.Helper()
		require.Eventually(t, func() bool {
			status, text := c.ready()
			for _, name := range names {
				if status != http.StatusServiceUnavailable || !strings.Contains(text, name) {
					return false
				}
			}
			return true
		}, 5*time.Second, 5*time.Millisecond)
	}
	degraded("postgres", "schema", "redis")
	require.NoError(t, p.Start())
	degraded("redis")
	require.NoError(t, r.Start())
	c.awaitReady(t)
	c.submit(t, "first")
	w.exactlyOnce(t, "job/", 1)

	require.NoError(t, p.Stop())
	degraded("postgres")
	status, text := c.call(http.MethodPost, "/v1/jobs", `{"key":"refused"}`)
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	restarted := time.Now()
	require.NoError(t, p.Start())
	c.awaitReady(t)
	t.Logf("ready %v after Postgres was started again", time.Since(restarted))
	c.submit(t, "second")
	w.exactlyOnce(t, "job/", 2)
}

func TestAfterRedisLostEverythingEveryJobStillTakesEffectOnce(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, r *teststores.Redis){
		"flushed": func(t *testing.T, r *teststores.Redis) {
			require.NoError(t, r.Client(t).FlushAll(t.Context()).Err())
		},
		"killed": func(t *testing.T, r *teststores.Redis) {
			require.NoError(t, r.Stop())
			require.NoError(t, r.Start())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := stores.Redis(t)
			w := world{database: stores.Database(t), redis: r.URL(), receiver: teststores.NewReceiver(t)}
			// Jobs wait at the receiver, so entries of all kinds are under way.
			w.receiver.Answer(func(a teststores.Arrival) int {
				if strings.HasPrefix(a.Subject, "job/") {
					return http.StatusServiceUnavailable
				}
				return 0
			})
			a, b := w.start(t, "replica-1"), w.start(t, "replica-2")
			a.awaitReady(t)
			b.awaitReady(t)
			const n = 100
			for i := range n {
				status, text := a.call(http.MethodPost, "/v1/jobs", submission(fmt.Sprint("k", i), i))
				require.Equal(t, http.StatusAccepted, status, text)
			}
			look := r.Client(t)
			require.Eventually(t, func() bool {
				return slices.Equal([]int64{n / 4, n / 4, n / 4, n / 4}, queued(t, look))
			}, 5*time.Second, 5*time.Millisecond)
			lose(t, r)
			w.receiver.Answer(nil)
			began := time.Now()
			w.exactlyOnce(t, "job/", n)
			t.Logf("all took effect %v after the loss", time.Since(began))
			require.Eventually(t, func() bool { return slices.Equal([]int64{0, 0, 0, 0}, queued(t, look)) },
				10*time.Second, 20*time.Millisecond, "what was sent twice is cleared away")
		})
	}
}
