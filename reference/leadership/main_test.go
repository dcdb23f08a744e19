package leadership

import (
	"context"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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

// database returns a migrated database.
func database(t *testing.T, ttl time.Duration) postgres.Options {
	t.Helper()
	o := postgres.Options{URL: stores.Database(t), Name: "test", TTL: ttl}
	require.NoError(t, schema.Migrate(t.Context(), o, time.Minute))
	return o
}

// through returns the same database behind a forwarder.
func through(t *testing.T, o postgres.Options) (postgres.Options, *teststores.Forwarder) {
	t.Helper()
	u, err := url.Parse(o.URL)
	require.NoError(t, err)
	f := teststores.NewForwarder(t, u.Host)
	u.Host = f.Addr()
	o.URL = u.String()
	return o, f
}

// connect returns a plain connection for looking and tampering.
func connect(t *testing.T, o postgres.Options) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.URL)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close(context.Background())) })
	return conn
}

// tenancy is a Hold under way.
type tenancy struct {
	won   chan *Lease // the lease, when held
	ended chan time.Time
	err   chan error // of Hold
	stop  context.CancelFunc
}

// hold campaigns once and leads until the leadership ends.
func hold(t *testing.T, o postgres.Options, name string) *tenancy {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	y := &tenancy{won: make(chan *Lease, 1), ended: make(chan time.Time, 1), err: make(chan error, 1), stop: cancel}
	go func() {
		y.err <- NewSessions(o, name).Hold(ctx, "k", func(ctx context.Context) error {
			l, err := FromContext(ctx)
			if err != nil {
				return err
			}
			y.won <- l
			<-ctx.Done()
			y.ended <- time.Now()
			return nil
		})
		close(y.err)
	}()
	t.Cleanup(func() {
		cancel()
		for range y.err {
		}
	})
	return y
}

// within receives or fails.
func within[T any](t *testing.T, limit time.Duration, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		require.FailNow(t, "nothing came: "+what)
		panic("unreachable")
	}
}

// waiting waits until n sessions wait for a lock.
func waiting(t *testing.T, conn *pgx.Conn, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var got int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE l.locktype = 'advisory' AND NOT l.granted AND d.datname = current_database()`).Scan(&got)
		return err == nil && got == n
	}, 5*time.Second, 2*time.Millisecond)
}
