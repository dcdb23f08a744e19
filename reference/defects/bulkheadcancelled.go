package defects

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func bulkheadCancelled() Defect {
	return Defect{
		Name:      "bulkhead-cancelled",
		Wrong:     "the bulkhead gives a slot to a caller that has left, and nobody gives it back",
		Origin:    cloudReview,
		Symptom:   "slots leak with every caller that leaves while it waits, until no call gets one",
		Gate:      "stuck",
		Scenarios: []string{"callers-leave"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Resilience.Bulkhead = func(c resilience.BulkheadConfig) resilience.Bulkhead {
				return leaky{config: c, taken: make(chan struct{}, c.Slots)}
			}
		},
	}
}

type leaky struct {
	config resilience.BulkheadConfig
	taken  chan struct{} // one value per slot in use
}

// Do looks at ctx when it has a slot, and forgets the slot when ctx has ended.
func (s leaky) Do(ctx context.Context, f func(context.Context) error) error {
	select {
	case s.taken <- struct{}{}:
	case <-time.After(s.config.Wait):
		return fmt.Errorf("%s: %w", s.config.Name, resilience.ErrSaturated)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: take a slot: %w", s.config.Name, context.Cause(ctx))
	}
	defer func() { <-s.taken }()
	return f(ctx)
}
