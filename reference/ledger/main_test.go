package ledger_test

import (
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

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

// database returns a pool on a migrated database.
func database(t *testing.T) *pgxpool.Pool {
	t.Helper()
	url := stores.Database(t)
	require.NoError(t, schema.Migrate(t.Context(), postgres.Options{URL: url, Name: "test", TTL: 10 * time.Second}, time.Minute))
	return teststores.Pool(t, url)
}
