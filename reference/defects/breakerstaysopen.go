package defects

import (
	"math"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func breakerStaysOpen() Defect {
	return Defect{
		Name:      "breaker-stays-open",
		Wrong:     "an open breaker never lets a call through again",
		Origin:    ownGuard,
		Symptom:   "a backend that is well again is not called any more",
		Gate:      "readmission",
		Scenarios: []string{"breaker-trip-recover"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			sound := p.Resilience.Breaker
			p.Resilience.Breaker = func(c resilience.BreakerConfig) resilience.Breaker {
				c.Reset = math.MaxInt64
				return sound(c)
			}
		},
	}
}
