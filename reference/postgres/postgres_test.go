package postgres_test

import (
	"context"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/internal/teststores"
	"github.com/drillrun/drillrun/reference/postgres"
)

var stores *teststores.Stores

func TestMain(m *testing.M) {
	os.Exit(teststores.Run(
		func(s *teststores.Stores) int { stores = s; return m.Run() },
		func() error { return goleak.Find() }))
}

func pool(t *testing.T, url string, ttl time.Duration, size int32) *pgxpool.Pool {
	t.Helper()
	p, err := postgres.Pool(t.Context(), postgres.Options{URL: url, Name: "test", TTL: ttl}, size)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func TestSessionsCannotHoldOthersUp(t *testing.T) {
	p := pool(t, stores.Database(t), 2*time.Second, 1)
	for setting, want := range map[string]string{
		"idle_in_transaction_session_timeout": "1s", "lock_timeout": "1s",
		"client_connection_check_interval": "250ms", "application_name": "test",
	} {
		require.Equal(t, want, teststores.One[string](t, p, `SELECT current_setting($1)`, setting))
	}
}

func TestNoStatementIsSentOnAConnectionThatEndedWhileItWasIdle(t *testing.T) {
	server := stores.Postgres(t)
	p := pool(t, server.URL(), 2*time.Second, 4)
	conns := make([]*pgxpool.Conn, 4)
	for i := range conns {
		var err error
		conns[i], err = p.Acquire(t.Context())
		require.NoError(t, err)
	}
	for _, c := range conns {
		c.Release()
	}
	require.NoError(t, server.Stop())
	require.NoError(t, server.Start())
	for range 4 {
		require.NoError(t, p.Ping(t.Context()))
	}
}

func TestABlackHoleHoldsNoPlaceInThePoolAndNobodyUp(t *testing.T) {
	u, err := url.Parse(stores.Database(t))
	require.NoError(t, err)
	link := teststores.NewForwarder(t, u.Host)
	u.Host = link.Addr()
	p := pool(t, u.String(), 2*time.Second, 2)
	require.NoError(t, p.Ping(t.Context()))
	link.BlackHole(true)
	for range 6 { // three times as many as there are places
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		began := time.Now()
		_, err := p.Exec(ctx, `SELECT 1`)
		require.Error(t, err)
		require.Less(t, time.Since(began), 500*time.Millisecond)
		cancel()
	}
	link.BlackHole(false)
	healed := time.Now()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		return p.Ping(ctx) == nil
	}, 5*time.Second, 5*time.Millisecond)
	require.Less(t, time.Since(healed), time.Second)
}

func TestClosingASessionFreesItsLocksAtOnceAndDoesNotWaitForANetworkThatIsAway(t *testing.T) {
	database := stores.Database(t)
	u, err := url.Parse(database)
	require.NoError(t, err)
	link := teststores.NewForwarder(t, u.Host)
	u.Host = link.Addr()
	conn, err := postgres.Connect(t.Context(), postgres.Options{URL: u.String(), Name: "test", TTL: 2 * time.Second}, nil)
	require.NoError(t, err)
	link.BlackHole(true)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = conn.Exec(ctx, `SELECT 1`)
	require.Error(t, err)
	began := time.Now()
	postgres.Close(conn)
	require.Less(t, time.Since(began), 500*time.Millisecond)

	direct, err := postgres.Connect(t.Context(), postgres.Options{URL: database, Name: "direct", TTL: 2 * time.Second}, nil)
	require.NoError(t, err)
	_, err = direct.Exec(t.Context(), `SELECT pg_advisory_lock(1)`)
	require.NoError(t, err)
	postgres.Close(direct)
	p := pool(t, database, 2*time.Second, 1)
	require.Eventually(t, func() bool { return teststores.One[bool](t, p, `SELECT pg_try_advisory_lock(1)`) }, time.Second, time.Millisecond)
}
