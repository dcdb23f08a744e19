package image_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

// invalidPassword is Postgres's own code for it.
const invalidPassword = "28P01"

func newPostgres(t *testing.T, c *client.Client, env ...string) *box {
	t.Helper()
	return postgresOf(t, c, postgresImage(t, c), env...)
}

func postgresImage(t *testing.T, c *client.Client) (name string) {
	t.Helper()
	name, err := image.BuildPostgres(t.Context(), c, repository(t, c), label(t))
	require.NoError(t, err)
	return name
}

func postgresOf(t *testing.T, c *client.Client, image string, env ...string) *box {
	t.Helper()
	return newBox(t, c, container.Config{
		Image: image, Env: env, Cmd: []string{"-c", "fsync=off"},
		ExposedPorts: network.PortSet{network.MustParsePort("5432/tcp"): {}},
	})
}

func connect(ctx context.Context, b *box, user, password, database string) (*pgx.Conn, error) {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(user, password),
		Host: b.addr("5432/tcp"), Path: "/" + database, RawQuery: "sslmode=disable",
	}
	return pgx.Connect(ctx, u.String())
}

// dial connects as soon as the server lets it.
func dial(b *box, user, password, database string) *pgx.Conn {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), ready)
	defer cancel()
	for {
		conn, err := connect(ctx, b, user, password, database)
		if err == nil {
			b.t.Cleanup(func() { require.NoError(b.t, conn.Close(context.WithoutCancel(b.t.Context()))) })
			return conn
		}
		require.NotEqual(b.t, invalidPassword, code(err), "%v", err)
		select {
		case <-time.After(knock):
		case <-ctx.Done():
			require.NoError(b.t, err, b.logs())
		}
	}
}

// code is what a server refuses with; empty for all other errors.
func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func ask(t *testing.T, conn *pgx.Conn, sql string) (answer string) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&answer))
	return answer
}

func TestPostgresHonoursItsEnvironment(t *testing.T) {
	c := enginetest.Engine(t)
	b := newPostgres(t, c, "POSTGRES_PASSWORD=it's secret", "POSTGRES_USER=some body", `POSTGRES_DB=a"b"`, "POSTGRES_INITDB_ARGS=--data-checksums")
	begin := time.Now()
	b.start()
	conn := dial(b, "some body", "it's secret", `a"b"`)
	t.Logf("from nothing to its first connection in %v", time.Since(begin))

	require.Equal(t, "some body", ask(t, conn, "SELECT current_user"))
	require.Equal(t, "UTF8 C", ask(t, conn, "SELECT pg_encoding_to_char(encoding) || ' ' || datcollate FROM pg_database WHERE datname = current_database()"))
	require.Equal(t, "on", ask(t, conn, "SHOW data_checksums"))
	require.Equal(t, "off", ask(t, conn, "SHOW fsync"), "an argument that begins with a dash is one of postgres")
	require.Equal(t, "scram-sha-256", ask(t, conn, "SHOW password_encryption"))
	require.Equal(t, "2026-07-01 14:00:00", ask(t, conn, "SELECT ('2026-07-01 12:00+00'::timestamptz AT TIME ZONE 'Europe/Berlin')::text"))
	_, err := conn.Exec(t.Context(), "CREATE EXTENSION pgcrypto; DO $$ BEGIN PERFORM to_tsvector('english', 'modules'); END $$")
	require.NoError(t, err, "modules and languages can be loaded")

	_, err = connect(t.Context(), b, "some body", "wrong", `a"b"`)
	require.Equal(t, invalidPassword, code(err), "%v", err)
}

func TestPostgresKeepsItsDataWhenItIsKilled(t *testing.T) {
	c := enginetest.Engine(t)
	b := newPostgres(t, c, "POSTGRES_PASSWORD=secret")
	b.start()
	conn := dial(b, "postgres", "secret", "postgres")
	_, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 'this' AS what")
	require.NoError(t, err)
	b.kill()
	b.start()
	conn = dial(b, "postgres", "secret", "postgres")
	require.Equal(t, "this", ask(t, conn, "SELECT what FROM kept"))
	require.Contains(t, b.logs(), "database system was not properly shut down", "it recovered")

	_, err = b.c.ContainerStop(t.Context(), b.id, client.ContainerStopOptions{})
	require.NoError(t, err)
	require.Zero(t, b.wait())
	require.Contains(t, b.logs(), "received fast shutdown request", "the open session kept it from nothing")
	b.start()
	conn = dial(b, "postgres", "secret", "postgres")
	require.Equal(t, "this", ask(t, conn, "SELECT what FROM kept"))
}

func TestPostgresReadsItsSecretsFromFiles(t *testing.T) {
	c := enginetest.Engine(t)
	b := newPostgres(t, c, "POSTGRES_PASSWORD_FILE=/password", "POSTGRES_USER_FILE=/user", "POSTGRES_DB_FILE=/db", "PGDATA=/else/where")
	b.put("password", "from a file\n")
	b.put("user", "filed\n")
	b.put("db", "cabinet\n")
	b.start()
	conn := dial(b, "filed", "from a file", "cabinet")
	require.Equal(t, "/else/where", ask(t, conn, "SHOW data_directory"))
}

func TestPostgresWantsAPasswordOrTrust(t *testing.T) {
	c := enginetest.Engine(t)
	t.Run("neither", func(t *testing.T) {
		b := newPostgres(t, c)
		b.start()
		require.EqualValues(t, 1, b.wait())
		require.Contains(t, b.logs(), "set POSTGRES_PASSWORD")
	})
	t.Run("both of one", func(t *testing.T) {
		b := newPostgres(t, c, "POSTGRES_PASSWORD=a", "POSTGRES_PASSWORD_FILE=/b")
		b.start()
		require.EqualValues(t, 1, b.wait())
		require.Contains(t, b.logs(), "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set")
	})
	t.Run("trust", func(t *testing.T) {
		b := newPostgres(t, c, "POSTGRES_HOST_AUTH_METHOD=trust")
		b.start()
		require.Equal(t, "postgres", ask(t, dial(b, "postgres", "", "postgres"), "SELECT current_user"))
	})
}

// TestPostgresIsInitialisedWholeOrNotAtAll kills it at moments from its start to its
// first connection, and wants it to come up.
func TestPostgresIsInitialisedWholeOrNotAtAll(t *testing.T) {
	c := enginetest.Engine(t)
	name := postgresImage(t, c)
	first := postgresOf(t, c, name, "POSTGRES_PASSWORD=secret", "POSTGRES_DB=shop")
	begin := time.Now()
	first.start()
	dial(first, "postgres", "secret", "shop")
	whole := time.Since(begin)
	const moments = 20
	for i := range moments {
		b := postgresOf(t, c, name, "POSTGRES_PASSWORD=secret", "POSTGRES_DB=shop")
		after := whole * time.Duration(i) / moments
		b.start()
		<-time.After(after)
		b.kill()
		b.start()
		conn := dial(b, "postgres", "secret", "shop")
		require.Equal(t, "*", ask(t, conn, "SHOW listen_addresses"), "killed after %v", after)
		require.Equal(t, "f", ask(t, conn, "SELECT (count(*) > 0)::text FROM pg_ls_dir('.', false, true) AS f WHERE f LIKE '.drillrun%'")[:1])
		require.NoError(t, conn.Close(t.Context()))
		b.kill()
	}
}
