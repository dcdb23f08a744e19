package controlplane_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
)

func TestAFollowerActsMillisecondsAfterTheLeaderIsKilledAndNoJobIsLostOrDoubled(t *testing.T) {
	const rounds = 5
	w := newWorld(t)
	replicas := map[string]*child{}
	for _, name := range []string{"replica-1", "replica-2", "replica-3"} {
		replicas[name] = w.start(t, name)
	}
	for _, c := range replicas {
		c.awaitReady(t)
	}
	submitted := 0
	var took []time.Duration
	for range rounds {
		first := w.arrival(t, 10*time.Second, func(a teststores.Arrival) bool { return a.Leadership == "control" })
		require.NotZero(t, first.Term)
		holder, term := replicas["replica-1"].leader(t)
		for name, c := range replicas {
			for range 20 {
				status, text := c.call(http.MethodPost, "/v1/jobs", fmt.Sprintf(`{"key":"k%d"}`, submitted))
				require.Equal(t, http.StatusAccepted, status, "%s: %s", name, text)
				submitted++
			}
		}
		killed := time.Now()
		require.NoError(t, replicas[holder].cmd.Process.Kill())
		next := w.arrival(t, 10*time.Second, func(a teststores.Arrival) bool {
			return a.Term > term && a.Status == http.StatusOK
		})
		took = append(took, next.At.Sub(killed))
		replicas[holder].kill(t)
		replicas[holder] = w.start(t, holder)
		replicas[holder].awaitReady(t)
	}
	slices.Sort(took)
	t.Logf("failover after SIGKILL, %d samples: %v", rounds, took)
	require.Less(t, took[rounds-1], 2*time.Second)
	w.exactlyOnce(t, "job/", submitted)
}
