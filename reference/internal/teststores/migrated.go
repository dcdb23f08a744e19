package teststores

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/schema"
)

// Migrated returns a pool on a new database that has the reference's schema.
func (s *Stores) Migrated(t TB) *pgxpool.Pool {
	t.Helper()
	url := s.Database(t)
	o := postgres.Options{URL: url, Name: "test", TTL: 10 * time.Second}
	if err := schema.Migrate(context.Background(), o, time.Minute); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	return Pool(t, url)
}
