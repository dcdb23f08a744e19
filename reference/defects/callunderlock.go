package defects

import (
	"context"
	"sync"

	"github.com/drillrun/drillrun/reference/resilience"
)

func callUnderLock() Defect {
	return Defect{
		Name:      "call-under-lock",
		Wrong:     "the breaker is locked while a call that it let through is under way",
		Origin:    ownGuard,
		Symptom:   "calls to a backend come one after the other, and its slots stay free",
		Gate:      "parallelism_compute",
		Scenarios: []string{"bulkhead-saturation"},
		Break:     breakersBy(func(b resilience.Breaker) resilience.Breaker { return &serial{Breaker: b} }),
	}
}

type serial struct {
	resilience.Breaker
	mu sync.Mutex
}

// Do calls nothing beside f.
func (b *serial) Do(ctx context.Context, f func(context.Context) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Breaker.Do(ctx, f)
}
