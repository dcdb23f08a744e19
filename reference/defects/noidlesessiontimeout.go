package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func noIdleSessionTimeout() Defect {
	return Defect{
		Name:      "no-idle-session-timeout",
		Wrong:     "the server keeps a leadership's session however long it is silent",
		Origin:    ownGuard,
		Symptom:   "a frozen leader, or one that is cut off, keeps its lock",
		Gate:      "failover",
		Scenarios: []string{"leader-heard-late", "leader-partition"},
		Break: elect(func(ctx context.Context, o postgres.Options) (leadership.Session, error) {
			return openSession(ctx, o, nil)
		}),
	}
}
