package controlplane_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
)

// behind puts a forwarder before the host of a URL.
func behind(t *testing.T, raw string) (string, *teststores.Forwarder) {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	f := teststores.NewForwarder(t, u.Host)
	u.Host = f.Addr()
	return u.String(), f
}

func TestALeaderThatIsCutOffFromEverythingIsSucceededAnswersDegradedAndComesBackWhenHealed(t *testing.T) {
	w := newWorld(t)
	database, toPostgres := behind(t, w.database)
	redis, toRedis := behind(t, w.redis)
	receiver, toReceiver := behind(t, w.receiver.URL())
	links := []*teststores.Forwarder{toPostgres, toRedis, toReceiver}
	cutOff := w.start(t, "replica-1", "DATABASE_URL="+database, "REDIS_URL="+redis, "WITNESS_URL="+receiver)
	cutOff.awaitReady(t)
	w.arrival(t, 10*time.Second, func(a teststores.Arrival) bool { return a.Term == 1 })
	other := w.start(t, "replica-2")
	other.awaitReady(t)

	cut := time.Now()
	for _, l := range links {
		l.BlackHole(true)
	}
	next := w.arrival(t, 10*time.Second, func(a teststores.Arrival) bool { return a.Term == 2 })
	t.Logf("ttl 2s: succeeded %v after the cut", next.At.Sub(cut))
	require.Less(t, next.At.Sub(cut), 3*time.Second)
	other.submit(t, "meanwhile")
	w.exactlyOnce(t, "job/", 1)
	began := time.Now()
	status, text := cutOff.call(http.MethodPost, "/v1/jobs", `{"key":"k"}`)
	require.Equal(t, http.StatusServiceUnavailable, status, text)
	require.Less(t, time.Since(began), 2500*time.Millisecond)
	status, _ = cutOff.ready()
	require.Equal(t, http.StatusServiceUnavailable, status)

	for _, l := range links {
		l.BlackHole(false)
	}
	healed := time.Now()
	cutOff.awaitReady(t)
	t.Logf("ready %v after the links were healed", time.Since(healed))
	require.NoError(t, other.cmd.Process.Kill())
	w.arrival(t, 10*time.Second, func(a teststores.Arrival) bool { return a.Term == 3 })
	cutOff.submit(t, "afterwards")
	w.exactlyOnce(t, "job/", 2)
	arrivals, _ := w.receiver.Arrivals()
	for _, a := range arrivals {
		if a.At.After(next.At) && a.Term == 1 {
			require.Equal(t, http.StatusConflict, a.Status)
		}
	}
}

func TestAReplicaThatIsCutOffStopsWithinItsGrace(t *testing.T) {
	w := newWorld(t)
	database, toPostgres := behind(t, w.database)
	redis, toRedis := behind(t, w.redis)
	c := w.start(t, "replica-1", "DATABASE_URL="+database, "REDIS_URL="+redis)
	c.awaitReady(t)
	toPostgres.BlackHole(true)
	toRedis.BlackHole(true)
	<-time.After(500 * time.Millisecond)
	told := time.Now()
	require.NoError(t, c.cmd.Process.Signal(sigterm))
	require.Zero(t, c.code(t, 5*time.Second))
	t.Logf("grace 3s: ended after %v", time.Since(told))
	require.Less(t, time.Since(told), 4200*time.Millisecond)
}
