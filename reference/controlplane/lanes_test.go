package controlplane_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/queue"
)

// kinds are the kinds of jobs, one for each lane.
var kinds = []string{jobs.DefaultKind, jobs.Provision, jobs.Cluster, jobs.Pipeline}

// submission is the body of a submission; jobs are of all kinds in turn.
func submission(key string, n int) string {
	return fmt.Sprintf(`{"key":%q,"kind":%q}`, key, kinds[n%len(kinds)])
}

// queued is how many entries each lane holds, in the order of jobs.Lanes;
// nothing where Redis does not answer.
func queued(t *testing.T, client *redis.Client) []int64 {
	t.Helper()
	var lengths []int64
	for _, lane := range jobs.Lanes() {
		n, err := client.XLen(t.Context(), queue.StreamKey(lane)).Result()
		if err != nil {
			return nil
		}
		lengths = append(lengths, n)
	}
	return lengths
}

// pending is how many entries of all lanes are delivered and not acknowledged.
func pending(t *testing.T, client *redis.Client) (n int64) {
	t.Helper()
	for _, lane := range jobs.Lanes() {
		p, err := client.XPending(t.Context(), queue.StreamKey(lane), queue.GroupName).Result()
		if err == nil { // the group of a lane is there once a worker has read it
			n += p.Count
		}
	}
	return n
}

func TestJobsOfEveryKindAreDoneAndAnUnknownOneIsDeadLettered(t *testing.T) {
	w := newWorld(t)
	c := w.start(t, "replica-1")
	c.awaitReady(t)
	for i := range kinds {
		status, text := c.call(http.MethodPost, "/v1/jobs", submission(fmt.Sprint("k", i), i))
		require.Equal(t, http.StatusAccepted, status, text)
	}
	status, text := c.call(http.MethodPost, "/v1/jobs", `{"key":"odd","kind":"teleport"}`)
	require.Equal(t, http.StatusAccepted, status, text)
	w.exactlyOnce(t, "job/", len(kinds))
	pool := teststores.Pool(t, w.database)
	require.Eventually(t, func() bool {
		return teststores.One[int](t, pool, `SELECT count(*) FROM jobs WHERE state = 'done'`) == len(kinds) &&
			teststores.One[int](t, pool, `SELECT count(*) FROM dead_letters WHERE reason = 'unknown kind "teleport"'`) == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.Equal(t, "cluster,pipeline,provision", teststores.One[string](t, pool, `SELECT string_agg(kind, ',' ORDER BY kind) FROM resources`))
}

func TestAReplicaWithEverySlotOfEveryLaneTakenStopsWithinItsGraceAndAnotherFinishesItsJobs(t *testing.T) {
	w := newWorld(t)
	hold := func(a teststores.Arrival) int {
		if strings.HasPrefix(a.Subject, "job/") {
			return http.StatusServiceUnavailable
		}
		return 0
	}
	w.receiver.Answer(hold)
	a := w.start(t, "replica-1")
	a.awaitReady(t)
	const n = 4 * 40 // each lane has more than it has slots
	for i := range n {
		status, text := a.call(http.MethodPost, "/v1/jobs", submission(fmt.Sprint("k", i), i))
		require.Equal(t, http.StatusAccepted, status, text)
	}
	pool := teststores.Pool(t, w.database)
	require.Eventually(t, func() bool {
		return teststores.One[string](t, pool, `
			SELECT string_agg(kind || ' ' || n, ', ' ORDER BY kind)
			FROM (SELECT kind, count(*) AS n FROM jobs WHERE state = 'running' GROUP BY kind) running`) ==
			"cluster 10, effect 16, pipeline 5, provision 20"
	}, 10*time.Second, 20*time.Millisecond)
	told := time.Now()
	require.NoError(t, a.cmd.Process.Signal(sigterm))
	require.Zero(t, a.code(t, 3*time.Second), "within the grace")
	t.Logf("ended after %v", time.Since(told))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM jobs WHERE state = 'running'`), "all was given back")
	w.receiver.Answer(nil)
	w.start(t, "replica-2").awaitReady(t)
	w.exactlyOnce(t, "job/", n)
}
