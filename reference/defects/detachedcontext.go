package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/leadership"
)

func detachedContext() Defect {
	return Defect{
		Name:      "detached-context",
		Wrong:     "the leader's work runs in a context that does not end with the leadership",
		Origin:    cloudReview,
		Symptom:   "a leader that knows it has lost its leadership works on beside its successor",
		Gate:      "overlap",
		Scenarios: []string{"sessions-terminated"},
		Break:     cronBy(func(s leadership.Singleton) leadership.Singleton { return detached{s} }),
	}
}

type detached struct{ leadership.Singleton }

// Run works until something fails.
func (d detached) Run(ctx context.Context) error {
	return d.Singleton.Run(context.WithoutCancel(ctx))
}
