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

	lockSQL = `SELECT pg_advisory_lock(hashtextextended('leadership/' || $1, 0))`
	termSQL = `
		INSERT INTO leadership AS l (key, term, holder) VALUES ($1, 1, $2)
		ON CONFLICT (key) DO UPDATE
		SET term = l.term + 1, holder = excluded.holder, acquired_at = clock_timestamp()
		RETURNING term`
)

// session is the one connection on which a leadership is sought and held.
type session struct {
	conn *pgx.Conn
	ttl  time.Duration
}

// openSession connects and prepares both statements, so that nothing but the
// term stands between the grant of the lock and the first effect.
func openSession(ctx context.Context, o postgres.Options) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, o.TTL/2)
	defer cancel()
	conn, err := postgres.Connect(ctx, o, map[string]string{"idle_session_timeout": postgres.Millis(o.TTL)})
	if err != nil {
		return nil, fmt.Errorf("open leadership session: %w", err)
	}
	s := &session{conn: conn, ttl: o.TTL}
	for name, sql := range map[string]string{lockStatement: lockSQL, termStatement: termSQL} {
		if _, err := conn.Prepare(ctx, name, sql); err != nil {
			s.close()
			return nil, fmt.Errorf("prepare %s: %w", name, err)
		}
	}
	return s, nil
}

// lock waits until the session holds the lock of that key. The server answers
// every ttl/2 at the latest; one that does not is cut off.
func (s *session) lock(ctx context.Context, key string) error {
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

// raiseTerm makes the session's lock a leadership. It returns the new term and
// when the request for it was sent. A predecessor's fenced write that is being
// committed holds the row for a moment.
func (s *session) raiseTerm(ctx context.Context, key, holder string) (term uint64, sent time.Time, err error) {
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

// keep holds the leadership until ctx ends, the session breaks or an answer
// stays away for ttl/2. valid moves with each answer; keep returns before it
// has run out for long.
func (s *session) keep(ctx context.Context, sent time.Time, valid *validity) error {
	for {
		if err := s.listen(ctx, sent.Add(s.ttl/4)); err != nil {
			return err
		}
		next := time.Now()
		ping, cancel := context.WithDeadline(ctx, valid.get())
		err := s.conn.Ping(ping)
		cancel()
		if err != nil {
			return fmt.Errorf("ping leadership session: %w", err)
		}
		sent = next
		valid.set(sent.Add(s.ttl / 2))
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

func (s *session) close() { postgres.Close(s.conn) }

func isLockTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == lockNotAvailable
}
