package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func deadSessionKept() Defect {
	return Defect{
		Name:      "dead-session-kept",
		Wrong:     "a replica opens its session for leaderships once, and never another when that has broken",
		Origin:    cloudReview,
		Symptom:   "once its session has ended a replica leads never again, and at last none does",
		Gate:      "failover",
		Scenarios: []string{"sessions-terminated"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			var kept *keptSession
			elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
				if kept != nil {
					return kept, nil
				}
				s, err := openSession(ctx, o, dropped(o))
				if err != nil {
					return nil, err
				}
				kept = &keptSession{session: s}
				return kept, nil
			})(c, d, p)
		},
	}
}

type keptSession struct {
	*session
	key string
}

func (s *keptSession) Lock(ctx context.Context, key string) error {
	s.key = key
	return s.session.Lock(ctx, key)
}

// Close gives up the lock, and keeps the session for the next time.
func (s *keptSession) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), s.ttl/4)
	defer cancel()
	if _, err := s.conn.Exec(ctx, unlockSQL, s.key); err != nil {
		postgres.Close(s.conn) // the server gives up the lock with it
	}
}
