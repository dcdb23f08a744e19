package defects

import (
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func fullJitterFloor() Defect {
	return Defect{
		Name:      "full-jitter-floor",
		Wrong:     "the wait before a call is tried again is drawn from the upper half of its range only",
		Origin:    cloudReview,
		Symptom:   "no wait is short: callers that failed together come back within half the time",
		Gate:      "jitter",
		Scenarios: []string{"retry-budget"},
		Break: retriesBy(func(c resilience.RetryConfig) resilience.RetryConfig {
			c.Jitter = func(bound time.Duration) time.Duration { return bound/2 + backoff.Full(bound/2) }
			return c
		}),
	}
}

// retriesBy has calls tried again as of makes of the sound configuration.
func retriesBy(of func(resilience.RetryConfig) resilience.RetryConfig) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Resilience.Retry
		p.Resilience.Retry = func(c resilience.RetryConfig) resilience.Retry { return sound(of(c)) }
	}
}
