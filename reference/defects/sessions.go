package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

const (
	lockSQL    = `SELECT pg_advisory_lock(` + leadership.LockID + `)`
	tryLockSQL = `SELECT pg_try_advisory_lock(` + leadership.LockID + `)`
	unlockSQL  = `SELECT pg_advisory_unlock(` + leadership.LockID + `)`
)

// elect has leaderships sought on sessions that are opened by open.
func elect(open leadership.Open) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
		p.Elector = leadership.NewSessionsBy(open, d.Postgres, c.Replica)
	}
}

// session is a sound session with its connection at hand, for defects that do
// one of its steps in another way.
type session struct {
	leadership.Session
	conn *pgx.Conn
	ttl  time.Duration
}

// openSession opens a session whose connection has these parameters.
func openSession(ctx context.Context, o postgres.Options, params map[string]string) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, o.TTL/2)
	defer cancel()
	conn, err := postgres.Connect(ctx, o, params)
	if err != nil {
		return nil, fmt.Errorf("open leadership session: %w", err)
	}
	sound, err := leadership.NewSession(ctx, conn, o.TTL)
	if err != nil {
		return nil, err
	}
	return &session{Session: sound, conn: conn, ttl: o.TTL}, nil
}

// dropped are the parameters by which the server drops a silent session.
func dropped(o postgres.Options) map[string]string {
	return map[string]string{"idle_session_timeout": postgres.Millis(o.TTL)}
}

// ping asks for an answer within a limit.
func (s *session) ping(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.conn.Ping(ctx)
}

// tryLock asks for the lock, and does not wait for it.
func (s *session) tryLock(ctx context.Context, key string) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.ttl/2)
	defer cancel()
	err = s.conn.QueryRow(ctx, tryLockSQL, key).Scan(&held)
	return held, err
}

// beat calls f every ttl/4, and returns its first error or the context's cause.
func beat(ctx context.Context, ttl time.Duration, f func() error) error {
	for {
		if err := backoff.Sleep(ctx, ttl/4); err != nil {
			return err
		}
		if err := f(); err != nil {
			return err
		}
	}
}
