package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func noSelfFencing() Defect {
	return Defect{
		Name:      "no-self-fencing",
		Wrong:     "a holder leads until its session is closed, however long no answer comes",
		Origin:    ownGuard,
		Symptom:   "a holder that is cut off goes on beside its successor",
		Gate:      "overlap",
		Scenarios: []string{"leader-heard-late"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			s, err := openSession(ctx, o, dropped(o))
			return trusting{s}, err
		}),
	}
}

type trusting struct{ *session }

// never is when a trusting holder finds its lease expired.
const never = 24 * time.Hour

// Keep pings without a limit, and takes the lease for valid all along.
func (s trusting) Keep(ctx context.Context, sent time.Time, answered func(time.Time)) error {
	answered(sent.Add(never))
	for {
		pending, cancel := context.WithTimeout(ctx, s.ttl/4)
		_, err := s.conn.WaitForNotification(pending)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if s.conn.IsClosed() {
			return fmt.Errorf("leadership session ended: %w", err)
		}
		if err := s.conn.Ping(ctx); err != nil {
			return fmt.Errorf("ping leadership session: %w", err)
		}
	}
}
