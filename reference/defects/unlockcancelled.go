package defects

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func unlockCancelled() Defect {
	return Defect{
		Name:      "unlock-cancelled",
		Wrong:     "the lock is given back with the context that the stop has cancelled, and leaks with its pooled session",
		Origin:    cloudReview,
		Symptom:   "after a graceful stop nobody leads for as long as the process lives",
		Gate:      "failover",
		Scenarios: []string{"slow-handover"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
				return borrow(ctx, d, o)
			})(c, d, p)
		},
	}
}

// borrowed is a session of the pool, for as long as the leadership is sought
// and held.
type borrowed struct {
	leadership.Session
	conn *pgxpool.Conn
	ctx  context.Context
	key  string
	log  *slog.Logger
}

func borrow(ctx context.Context, d controlplane.Deps, o postgres.Options) (*borrowed, error) {
	conn, err := d.Pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("take a session from the pool: %w", err)
	}
	_, err = conn.Exec(ctx, `SELECT set_config('idle_session_timeout', $1, false)`, postgres.Millis(o.TTL))
	if err != nil {
		conn.Release()
		return nil, fmt.Errorf("limit the session's silence: %w", err)
	}
	sound, err := leadership.NewSession(ctx, conn.Conn(), o.TTL)
	if err != nil {
		conn.Release()
		return nil, err
	}
	return &borrowed{Session: sound, conn: conn, log: d.Log}, nil
}

func (s *borrowed) Lock(ctx context.Context, key string) error {
	s.ctx, s.key = ctx, key
	return s.Session.Lock(ctx, key)
}

// Close unlocks in the context in which the lock was sought, and gives the
// session back.
func (s *borrowed) Close() {
	if _, err := s.conn.Exec(s.ctx, unlockSQL, s.key); err != nil {
		s.log.Warn("unlock failed", "key", s.key, "err", err)
	}
	s.conn.Release()
}
