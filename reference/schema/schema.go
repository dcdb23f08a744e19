// Package schema brings the database to the version this binary needs.
//
// Every replica migrates at its start. Migrations run one by one under an
// advisory lock, so three replicas that start at once do the work once and
// the two others find it done. The connection is its own, with session
// timeouts: a replica that freezes in the middle loses its session, the lock
// and the open transaction with it, and the next one starts over.
package schema

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/tern/v2/migrate"

	"github.com/drillrun/drillrun/reference/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

const versionTable = "public.schema_version"

// Migrate applies what is missing and returns once the schema is current. It
// is idempotent. An error leaves whole migrations done and none half done.
func Migrate(ctx context.Context, o postgres.Options, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := postgres.Connect(ctx, o, nil)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", err)
	}
	defer postgres.Close(conn)
	m, err := migrate.NewMigrator(ctx, conn, versionTable)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open embedded migrations: %w", err)
	}
	if err := m.LoadMigrations(files); err != nil {
		return fmt.Errorf("load migrations: %w", err)
	}
	if err := m.Migrate(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
