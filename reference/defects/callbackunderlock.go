package defects

import (
	"sync"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func callbackUnderLock() Defect {
	return Defect{
		Name:      "callback-under-lock",
		Wrong:     "the breaker tells of a change while it is locked",
		Origin:    cloudReview,
		Symptom:   "whoever is told asks for the state, and no call to that backend returns any more",
		Gate:      "stuck",
		Scenarios: []string{"breaker-trip-recover"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			sound := p.Resilience.Breaker
			p.Resilience.Breaker = func(c resilience.BreakerConfig) resilience.Breaker {
				b := &reentered{}
				told := c.Changed
				c.Changed = func(change resilience.Change) {
					b.mu.Lock()
					defer b.mu.Unlock()
					told(change)
				}
				b.Breaker = sound(c)
				return b
			}
		},
	}
}

type reentered struct {
	resilience.Breaker
	mu sync.Mutex
}

// State cannot be asked for by those who are told of a change.
func (b *reentered) State() resilience.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Breaker.State()
}
