package defects

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func pooledLock() Defect {
	return Defect{
		Name:      "pooled-lock",
		Wrong:     "lock, check and unlock go through the pool, each on whatever session it gives",
		Origin:    cloudReview,
		Symptom:   "a lock that its own holder cannot give back, and nobody else can get",
		Gate:      "failover",
		Scenarios: []string{"leader-heard-late", "leader-partition"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			elect(func(context.Context, postgres.Options) (leadership.Session, error) {
				return &pooled{pool: d.Pool, ttl: c.TTL, log: d.Log}, nil
			})(c, d, p)
		},
	}
}

// pooled takes every step of a leadership on a session from the pool.
type pooled struct {
	pool *pgxpool.Pool
	ttl  time.Duration
	log  *slog.Logger
	key  string
}

func (s *pooled) Lock(ctx context.Context, key string) error {
	s.key = key
	return s.on(ctx, func(sound leadership.Session) error { return sound.Lock(ctx, key) })
}

func (s *pooled) RaiseTerm(ctx context.Context, key, holder string) (term uint64, sent time.Time, err error) {
	err = s.on(ctx, func(sound leadership.Session) error {
		term, sent, err = sound.RaiseTerm(ctx, key, holder)
		return err
	})
	return term, sent, err
}

// Keep finds that some session is alive.
func (s *pooled) Keep(ctx context.Context, _ time.Time, answered func(time.Time)) error {
	return beat(ctx, s.ttl, func() error {
		sent := time.Now()
		ctx, cancel := context.WithTimeout(ctx, s.ttl/4)
		defer cancel()
		if err := s.pool.Ping(ctx); err != nil {
			return fmt.Errorf("ping a session of the pool: %w", err)
		}
		answered(sent)
		return nil
	})
}

// Close unlocks on some session. That it was another's lock is a warning only,
// which nobody reads.
func (s *pooled) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), s.ttl/4)
	defer cancel()
	if _, err := s.pool.Exec(ctx, unlockSQL, s.key); err != nil {
		s.log.Warn("unlock failed", "key", s.key, "err", err)
	}
}

// on makes a session of a connection of the pool for one step. It is not
// closed: the connection goes back.
func (s *pooled) on(ctx context.Context, step func(leadership.Session) error) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("take a session from the pool: %w", err)
	}
	defer conn.Release()
	sound, err := leadership.NewSession(ctx, conn.Conn(), s.ttl)
	if err != nil {
		return err
	}
	return step(sound)
}
