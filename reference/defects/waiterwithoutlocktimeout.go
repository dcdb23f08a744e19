package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func waiterWithoutLockTimeout() Defect {
	return Defect{
		Name:      "waiter-without-lock-timeout",
		Wrong:     "a waiter asks for the lock once and for all, and never leaves the queue",
		Origin:    ownGuard,
		Symptom:   "a waiter whose connection is silent is granted the lock, and blocks everybody",
		Gate:      "failover",
		Scenarios: []string{"stalled-connections"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			params := dropped(o)
			params["lock_timeout"] = "0"
			s, err := openSession(ctx, o, params)
			return patient{s}, err
		}),
	}
}

type patient struct{ *session }

// Lock waits for as long as it takes.
func (s patient) Lock(ctx context.Context, key string) error {
	_, err := s.conn.Exec(ctx, lockSQL, key)
	return err
}
