package drills_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// named is a process that is nothing but called something.
type named struct {
	drills.Process
	info drills.ProcessInfo
}

func (n named) Info() drills.ProcessInfo { return n.info }

func TestAStoreIsMeantByItsNameOrByARoleThatItAloneHas(t *testing.T) {
	var all []drills.Process
	for _, info := range []drills.ProcessInfo{
		{Name: "replica-1", Role: drills.RoleReplica}, {Name: "db", Role: drills.RolePostgres},
		{Name: "cache", Role: drills.RoleRedis}, {Name: "sessions", Role: drills.RoleRedis},
	} {
		all = append(all, named{info: info})
	}
	for word, want := range map[string]string{"replica-1": "replica-1", "db": "db", "postgres": "db", "cache": "cache"} {
		require.Equal(t, want, drills.Find(all, word).Info().Name, word)
	}
	for _, word := range []string{"redis", "replica", "store", "witness"} {
		require.Nil(t, drills.Find(all, word), word)
	}
	all = append(all, named{info: drills.ProcessInfo{Name: "redis", Role: drills.RoleRedis}})
	require.Equal(t, "redis", drills.Find(all, "redis").Info().Name, "a name comes before roles")
}
