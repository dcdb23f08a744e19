package leadership

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/drillrun/drillrun/reference/postgres"
)

const (
	lockStatement = "leadership_lock"
	termStatement = "leadership_term"

	lockNotAvailable = "55P03" // SQLSTATE of an expired lock_timeout

	lockSQL = `SELECT pg_advisory_lock(` + LockID + `)`
	termSQL = `
		INSERT INTO leadership AS l (key, term, holder) VALUES ($1, 1, $2)
		ON CONFLICT (key) DO UPDATE
		SET term = l.term + 1, holder = excluded.holder, acquired_at = clock_timestamp()
		RETURNING term`
)

// LockID is the number of the advisory lock of the key $1.
const LockID = `hashtextextended('leadership/' || $1, 0)`

// session is the one connection on which a leadership is sought and held.
type session struct {
	conn *pgx.Conn
	ttl  time.Duration
}

var _ Session = (*session)(nil)

// OpenSession opens a session on a connection of its own, which the server
// drops when it is silent for the ttl.
func OpenSession(ctx context.Context, o postgres.Options) (Session, error) {
	ctx, cancel := context.WithTimeout(ctx, o.TTL/2)
	defer cancel()
	conn, err := postgres.Connect(ctx, o, map[string]string{"idle_session_timeout": postgres.Millis(o.TTL)})
	if err != nil {
		return nil, fmt.Errorf("open leadership session: %w", err)
	}
	return NewSession(ctx, conn, o.TTL)
}

// NewSession makes a session of a connection, which it closes. It prepares both
// statements, so that nothing but the term stands between the grant of the lock
// and the first effect.
func NewSession(ctx context.Context, conn *pgx.Conn, ttl time.Duration) (Session, error) {
	s := &session{conn: conn, ttl: ttl}
	for name, sql := range map[string]string{lockStatement: lockSQL, termStatement: termSQL} {
		if _, err := conn.Prepare(ctx, name, sql); err != nil {
			s.Close()
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	return s, nil
}

// Lock implements Session. The server answers every ttl/2 at the latest; one
// that does not is cut off.
func (s *session) Lock(ctx context.Context, key string) error {
	for {
		err := s.ask(ctx, s.ttl/2+s.ttl/4, func(ctx context.Context) error {
			_, err := s.conn.Exec(ctx, lockStatement, key)
			return err
		})
		if !isLockTimeout(err) {
			return err
		}
	}
}

// RaiseTerm implements Session. A predecessor's fenced write that is being
// committed holds the row for a moment.
func (s *session) RaiseTerm(ctx context.Context, key, holder string) (term uint64, sent time.Time, err error) {
	for {
		var n int64
		sent = time.Now()
		err = s.ask(ctx, s.ttl/2+s.ttl/4, func(ctx context.Context) error {
			return s.conn.QueryRow(ctx, termStatement, key, holder).Scan(&n)
		})
		if !isLockTimeout(err) {
			return uint64(n), sent, err
		}
	}
}

// Keep implements Session.
func (s *session) Keep(ctx context.Context, sent time.Time, answered func(sent time.Time)) error {
	for {
		if err := s.listen(ctx, sent.Add(s.ttl/4)); err != nil {
			return err
		}
		next := time.Now()
		ping, cancel := context.WithDeadline(ctx, sent.Add(s.ttl/2))
		err := s.conn.Ping(ping)
		cancel()
		if err != nil {
			return fmt.Errorf("ping leadership session: %w", err)
		}
		sent = next
		answered(sent)
	}
}

// listen keeps a read pending up to that time, so that a session closed by the
// server is seen at once. Nobody notifies this session.
func (s *session) listen(ctx context.Context, up time.Time) error {
	pending, cancel := context.WithDeadline(ctx, up)
	defer cancel()
	for {
		_, err := s.conn.WaitForNotification(pending)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case pending.Err() != nil && !s.conn.IsClosed():
			return nil
		case err != nil:
			return fmt.Errorf("leadership session ended: %w", err)
		}
	}
}

// ask runs one request with a limit.
func (s *session) ask(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}

// Close implements Session.
func (s *session) Close() { postgres.Close(s.conn) }

func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}
