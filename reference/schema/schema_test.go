package schema_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/schema"
)

var stores *teststores.Stores

func TestMain(m *testing.M) {
	os.Exit(teststores.Run(
		func(s *teststores.Stores) int { stores = s; return m.Run() },
		func() error { return goleak.Find() }))
}

func TestThreeReplicasMigrateAtOnceAndMigratingAgainChangesNothing(t *testing.T) {
	o := postgres.Options{URL: stores.Database(t), Name: "test", TTL: 10 * time.Second}
	for round := range 2 {
		var group errgroup.Group
		for range 3 {
			group.Go(func() error { return schema.Migrate(t.Context(), o, time.Minute) })
		}
		require.NoError(t, group.Wait(), "round %d", round)
	}
	pool := teststores.Pool(t, o.URL)
	require.Equal(t, 3, teststores.One[int](t, pool, `SELECT version FROM schema_version`))
	require.Equal(t, 1, teststores.One[int](t, pool, `SELECT count(*) FROM schema_version`))
	require.Zero(t, teststores.One[int](t, pool, `SELECT count(*) FROM jobs`))
}

func TestMigratingGivesUpAtItsLimitBehindABlackHole(t *testing.T) {
	link := teststores.NewForwarder(t, "127.0.0.1:1")
	link.BlackHole(true)
	o := postgres.Options{URL: "postgres://postgres@" + link.Addr() + "/postgres?sslmode=disable", Name: "test", TTL: 10 * time.Second}
	began := time.Now()
	require.Error(t, schema.Migrate(t.Context(), o, 300*time.Millisecond))
	require.Less(t, time.Since(began), 2*time.Second)
}
