package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func noBulkhead() Defect {
	return Defect{
		Name:      "no-bulkhead",
		Wrong:     "calls to a backend take no slot",
		Origin:    ownGuard,
		Symptom:   "more calls of a replica at once than the backend has slots",
		Gate:      "parallelism_compute",
		Scenarios: []string{"bulkhead-saturation"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			p.Resilience.Bulkhead = func(resilience.BulkheadConfig) resilience.Bulkhead { return unbounded{} }
		},
	}
}

type unbounded struct{}

// Do calls f at once.
func (unbounded) Do(ctx context.Context, f func(context.Context) error) error { return f(ctx) }
