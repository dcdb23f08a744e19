package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func halfopenStampede() Defect {
	return Defect{
		Name:      "halfopen-stampede",
		Wrong:     "a half-open breaker lets every caller through",
		Origin:    cloudReview,
		Symptom:   "a backend that may just be coming back is called by everybody who waited for it",
		Gate:      "probes",
		Scenarios: []string{"halfopen-probe"},
		Break:     breakersBy(func(b resilience.Breaker) resilience.Breaker { return stampede{b} }),
	}
}

type stampede struct{ resilience.Breaker }

// Do refuses nobody beside the probe.
func (b stampede) Do(ctx context.Context, f func(context.Context) error) error {
	if b.State() == resilience.HalfOpen {
		return f(ctx)
	}
	return b.Breaker.Do(ctx, f)
}

// breakersBy has breakers replaced by what of makes of them.
func breakersBy(of func(resilience.Breaker) resilience.Breaker) func(controlplane.Config, controlplane.Deps, *controlplane.Parts) {
	return func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
		sound := p.Resilience.Breaker
		p.Resilience.Breaker = func(c resilience.BreakerConfig) resilience.Breaker { return of(sound(c)) }
	}
}
