package manifest

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

const wired = `name: wired
stores: [postgres, redis]
replica:
  command: [PROGRAM]
  environment:
    ` + partVariable + `: replica
    POSTGRES: "${postgres.url}"
    POSTGRES_PARTS: "postgres://${postgres.user}:${postgres.password}@${postgres.host}:${postgres.port}/${postgres.database}"
    REDIS: "${redis.url}"
    REDIS_PARTS: "redis://:${redis.password}@${redis.host}:${redis.port}/${redis.database}"
    REDIS_ADDRESS: "${redis.address}"
    LICENCE: "key-${env.DRILLRUN_TEST_LICENCE}"
  ports: {http: LISTEN}
  ready: {path: /environment/LISTEN, within: 10s}
submit: {path: "/${key}"}
guarantees: {leader: false, effects: at-least-once}
settle: 1s
`

// A program that wants each part of a store's address by itself can be told, and
// what is the caller's to know reaches it too.
func TestAReplicaIsToldEachPartOfItsStores(t *testing.T) {
	t.Setenv("DRILLRUN_TEST_LICENCE", "s3cret")
	c, err := begin(t, wired, 1)
	require.NoError(t, err)
	in := func(name string) string { return environmentOf(t, c, name) }
	postgres, _, _ := strings.Cut(in("POSTGRES"), "?")
	require.Equal(t, postgres, in("POSTGRES_PARTS"))
	require.Equal(t, in("REDIS"), in("REDIS_PARTS"))
	require.Contains(t, in("REDIS"), "@"+in("REDIS_ADDRESS")+"/")
	require.Equal(t, "key-s3cret", in("LICENCE"))
}

// environmentOf asks the first replica for a variable of its environment.
func environmentOf(t *testing.T, c drills.Cluster, name string) string {
	t.Helper()
	for _, l := range c.Links() {
		if from, _ := l.Ends(); from != "clients" {
			continue
		}
		request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://"+l.Addr()+"/environment/"+name, nil)
		require.NoError(t, err)
		request.Close = true
		answer, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return string(text)
	}
	require.Fail(t, "no link leads to a replica")
	return ""
}
