package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func noPendingRead() Defect {
	return Defect{
		Name:      "no-pending-read",
		Wrong:     "the holder pings its session, and does not listen between",
		Origin:    ownGuard,
		Symptom:   "a holder whose session was ended goes on beside its successor until the next ping",
		Gate:      "overlap",
		Scenarios: []string{"cron-session-terminated"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			s, err := openSession(ctx, o, dropped(o))
			return deaf{s}, err
		}),
	}
}

type deaf struct{ *session }

// Keep pings.
func (s deaf) Keep(ctx context.Context, _ time.Time, answered func(time.Time)) error {
	return beat(ctx, s.ttl, func() error {
		sent := time.Now()
		if err := s.ping(ctx, s.ttl/4); err != nil {
			return fmt.Errorf("ping leadership session: %w", err)
		}
		answered(sent)
		return nil
	})
}
