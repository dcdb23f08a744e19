package defects

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

// lingers is how long a leader goes on whose session has ended.
const lingers = 5 * time.Second

func leaderLingers() Defect {
	return Defect{
		Name:      "leader-lingers",
		Wrong:     "a replica never opens another session for leaderships, and leads on for 5 s when the one it had has ended",
		Origin:    cloudReview,
		Symptom:   "after a restart of Postgres all seems well, until the old leader notices, and nobody leads ever again",
		Gate:      "leaderless",
		Scenarios: []string{"postgres-restart", "postgres-crash"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			var kept *lingering
			elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
				if kept != nil {
					return kept, nil
				}
				s, err := openSession(ctx, o, dropped(o))
				if err != nil {
					return nil, err
				}
				kept = &lingering{keptSession{session: s}}
				return kept, nil
			})(c, d, p)
		},
	}
}

type lingering struct{ keptSession }

// Keep takes a session that has ended for one that answers, for a while.
func (s *lingering) Keep(ctx context.Context, sent time.Time, answered func(time.Time)) error {
	err := s.keptSession.Keep(ctx, sent, answered)
	if !s.conn.IsClosed() {
		return err
	}
	for until := time.Now().Add(lingers); time.Now().Before(until); {
		answered(time.Now())
		if stopped := backoff.Sleep(ctx, s.ttl/4); stopped != nil {
			return stopped
		}
	}
	return err
}
