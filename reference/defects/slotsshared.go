package defects

import (
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/resilience"
)

func slotsShared() Defect {
	return Defect{
		Name:      "slots-shared",
		Wrong:     "all backends share the slots of one",
		Origin:    ownGuard,
		Symptom:   "a saturated backend keeps the callers of the others waiting",
		Gate:      "isolation",
		Scenarios: []string{"bulkhead-saturation"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			sound := p.Resilience.Bulkhead
			var shared resilience.Bulkhead
			p.Resilience.Bulkhead = func(c resilience.BulkheadConfig) resilience.Bulkhead {
				if shared == nil {
					c.Name, c.Slots = "backends", 20
					shared = sound(c)
				}
				return shared
			}
		},
	}
}
