package defects

import "github.com/drillrun/drillrun/reference/resilience"

func retryOneMore() Defect {
	return Defect{
		Name:      "retry-one-more",
		Wrong:     "the configured number of calls is taken for that of repetitions",
		Origin:    ownGuard,
		Symptom:   "a call that keeps failing reaches its backend once more than configured",
		Gate:      "attempts",
		Scenarios: []string{"retry-budget"},
		Break: retriesBy(func(c resilience.RetryConfig) resilience.RetryConfig {
			c.Attempts++
			return c
		}),
	}
}
