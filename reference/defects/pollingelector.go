package defects

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

// pollEvery is how often the polling elector tries.
const pollEvery = 10 * time.Second

func pollingElector() Defect {
	return Defect{
		Name:      "polling-elector",
		Wrong:     "waiters try the lock every 10 s instead of waiting for it",
		Origin:    cloudReview,
		Symptom:   "a failover that takes seconds: within the 30 s of an objective, and far over what the lock allows",
		Gate:      "failover",
		Scenarios: []string{"slow-handover", "graceful-handover"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			s, err := openSession(ctx, o, dropped(o))
			return polling{s}, err
		}),
	}
}

type polling struct{ *session }

// Lock tries from time to time, and keeps the session alive between.
func (s polling) Lock(ctx context.Context, key string) error {
	for {
		held, err := s.tryLock(ctx, key)
		if held || err != nil {
			return err
		}
		for range pollEvery / (s.ttl / 4) {
			if err := backoff.Sleep(ctx, s.ttl/4); err != nil {
				return err
			}
			if err := s.ping(ctx, s.ttl/2); err != nil {
				return err
			}
		}
	}
}
