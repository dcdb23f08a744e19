package local_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

// ends are the ways in which a Postgres can go down.
var ends = []struct {
	name string
	end  func(*testing.T, drills.Substrate, drills.Store)
}{
	{"killed", func(t *testing.T, _ drills.Substrate, s drills.Store) { kill(t, s) }},
	{"paused and killed", func(t *testing.T, _ drills.Substrate, s drills.Store) { pause(t, s); kill(t, s) }},
	{"terminated", func(t *testing.T, _ drills.Substrate, s drills.Store) {
		begin := time.Now()
		_, err := s.(drills.Terminator).Terminate(t.Context())
		require.NoError(t, err)
		t.Logf("terminated in %v", time.Since(begin).Round(time.Microsecond))
	}},
	{"closed", func(t *testing.T, sub drills.Substrate, _ drills.Store) { require.NoError(t, sub.Close(t.Context())) }},
	{"paused and closed", func(t *testing.T, sub drills.Substrate, s drills.Store) {
		pause(t, s)
		require.NoError(t, sub.Close(t.Context()))
	}},
}

func pause(t *testing.T, s drills.Store) {
	t.Helper()
	require.NoError(t, s.(drills.Pauser).Pause(t.Context()))
}

func kill(t *testing.T, s drills.Store) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, s.Kill(t.Context()))
	t.Logf("killed in %v", time.Since(begin).Round(time.Microsecond))
}

func restart(t *testing.T, s drills.Store) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, s.Start(t.Context()))
	t.Logf("started again in %v", time.Since(begin).Round(time.Microsecond))
}

// TestNothingIsLeftOfAPostgres looks for its backends, which are in sessions of
// their own, and for its shared memory.
func TestNothingIsLeftOfAPostgres(t *testing.T) {
	dir := scratchParent(t)
	p := openProvider(t, local.Config{Dir: dir})
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			s := newSubstrate(t, p)
			store, err := s.Store(t.Context(), "postgres", drills.RolePostgres)
			require.NoError(t, err)
			lives := livesUnder(t, store.Info().PID)
			require.Greater(t, len(lives), 3, "the postmaster has children")
			memory := segment(t, dir)
			require.Contains(t, segments(t), memory)

			tt.end(t, s, store)
			require.Empty(t, survivors(t, lives))
			require.NoError(t, s.Close(t.Context()))
			require.NotContains(t, segments(t), memory)
		})
	}
}

func TestPostgresIsKilledWithSessionsThatWork(t *testing.T) {
	store, err := newSubstrate(t, openProvider(t, local.Config{})).Store(t.Context(), "postgres", drills.RolePostgres)
	require.NoError(t, err)
	exec(t, store, "CREATE TABLE t (n int)")
	for range 5 {
		var sessions sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		for range 8 {
			sessions.Go(func() {
				for ctx.Err() == nil {
					conn, err := pgx.Connect(ctx, store.URL(store.Addr()))
					if err != nil {
						continue
					}
					for err == nil {
						_, err = conn.Exec(ctx, "INSERT INTO t SELECT generate_series(1, 1000)")
					}
					if err := conn.Close(ctx); err != nil {
						continue // the server was killed
					}
				}
			})
		}
		before := count(t, store)
		require.Eventually(t, func() bool { return count(t, store) > before }, 10*time.Second, time.Millisecond)
		lives := livesUnder(t, store.Info().PID)
		kill(t, store)
		require.Empty(t, survivors(t, lives))
		restart(t, store)
		cancel()
		sessions.Wait()
	}
}

func TestPostgresPauseFreezesItsSessions(t *testing.T) {
	store, err := newSubstrate(t, openProvider(t, local.Config{})).Store(t.Context(), "postgres", drills.RolePostgres)
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), store.URL(store.Addr()))
	require.NoError(t, err)
	pause(t, store)
	answered := make(chan error, 1)
	go func() { _, err := conn.Exec(context.Background(), "SELECT 1"); answered <- err }()
	select {
	case <-answered:
		require.Fail(t, "a session of a paused Postgres answers")
	case <-time.After(100 * time.Millisecond):
	}
	require.NoError(t, store.(drills.Pauser).Resume(t.Context()))
	require.NoError(t, <-answered)
	require.NoError(t, conn.Close(t.Context()))
}

func TestAStoreThatCannotStartSaysWhyAtOnce(t *testing.T) {
	dir := scratchParent(t)
	s := newSubstrate(t, openProvider(t, local.Config{Dir: dir}))
	store, err := s.Store(t.Context(), "postgres", drills.RolePostgres)
	require.NoError(t, err)
	kill(t, store)
	found, err := filepath.Glob(filepath.Join(dir, "drillrun-*", "1", "postgres", "global", "pg_control"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.NoError(t, os.Remove(found[0]))

	begin := time.Now()
	err = store.Start(t.Context())
	require.ErrorContains(t, err, "start postgres")
	require.ErrorContains(t, err, "pg_control", "the last log lines")
	require.Less(t, time.Since(begin), 5*time.Second)
	require.Zero(t, store.Info().PID)
}

func exec(t *testing.T, store drills.Store, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store.URL(store.Addr()))
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func count(t *testing.T, store drills.Store) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), store.URL(store.Addr()))
	require.NoError(t, err)
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n))
	require.NoError(t, conn.Close(t.Context()))
	return n
}
