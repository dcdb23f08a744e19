package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func reentrantHeartbeat() Defect {
	return Defect{
		Name:      "reentrant-heartbeat",
		Wrong:     "the holder checks that it holds the lock by taking it again, if need be on a new session",
		Origin:    cloudReview,
		Symptom:   "a holder whose session was ended goes on beside its successor",
		Gate:      "overlap",
		Scenarios: []string{"sessions-terminated"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			s, err := openSession(ctx, o, dropped(o))
			return &reentrant{session: s, options: o}, err
		}),
	}
}

type reentrant struct {
	*session
	options postgres.Options
	key     string
}

func (s *reentrant) Lock(ctx context.Context, key string) error {
	s.key = key
	return s.session.Lock(ctx, key)
}

// Keep takes the lock again: the answer is yes where it is held, and where it
// is merely free.
func (s *reentrant) Keep(ctx context.Context, _ time.Time, answered func(time.Time)) error {
	return beat(ctx, s.ttl, func() error {
		sent := time.Now()
		held, err := s.tryLock(ctx, s.key)
		if s.conn.IsClosed() && ctx.Err() == nil {
			held, err = s.again(ctx)
		}
		if err != nil {
			return fmt.Errorf("check that the lock is held: %w", err)
		}
		if !held {
			return leadership.ErrTermLost
		}
		answered(sent)
		return nil
	})
}

// again tries the lock on a new session.
func (s *reentrant) again(ctx context.Context) (held bool, err error) {
	next, err := openSession(ctx, s.options, dropped(s.options))
	if err != nil {
		return false, err
	}
	s.Close()
	s.session = next
	return s.tryLock(ctx, s.key)
}
