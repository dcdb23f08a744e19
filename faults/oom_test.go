package faults_test

import (
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestOOMRefusesWritesAndLosesNothing(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RoleRedis)
	client := open(t, store)
	require.NoError(t, client.Set(t.Context(), "a", 1, 0).Err())
	settings := map[string]string{"maxmemory": "104857600", "maxmemory-policy": "allkeys-lru"}
	for name, value := range settings {
		require.NoError(t, client.ConfigSet(t.Context(), name, value).Err())
	}

	f := newFault(t, faults.OOM(), nil, "redis")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.Evidence{"write_refused": "OOM", "read": "answered"}, evidence)
	require.ErrorContains(t, client.Set(t.Context(), "b", 1, 0).Err(), "OOM")
	require.Equal(t, "1", client.Get(t.Context(), "a").Val(), "nothing is evicted")

	requireHeals(t, f, undo, store)
	require.NoError(t, client.Set(t.Context(), "b", 1, 0).Err())
	require.Equal(t, "1", client.Get(t.Context(), "a").Val())
	for name, value := range settings {
		require.Equal(t, value, client.ConfigGet(t.Context(), name).Val()[name], "the setting from before is back")
	}
}

func TestOOMIsNotProvedWhileWritesAreTaken(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RoleRedis)
	f := newFault(t, faults.OOM(), nil, "redis")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "a write was taken")

	require.NoError(t, f.Inject(t.Context()))
	require.NoError(t, open(t, store).ConfigSet(t.Context(), "maxmemory", "0").Err())
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "a write was taken", "somebody has undone it meanwhile")
	requireHeals(t, f, undo, store)
}

// open returns a client of Redis as the drilled system would have it.
func open(t *testing.T, store drills.Store) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(store.URL(store.Addr()))
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}
