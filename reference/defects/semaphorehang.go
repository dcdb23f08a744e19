package defects

import (
	"context"

	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/worker"
)

func semaphoreHang() Defect {
	return Defect{
		Name:      "semaphore-hang",
		Wrong:     "a slot is waited for without regard to a shutdown",
		Origin:    cloudReview,
		Symptom:   "a replica that is told to stop while its slots are full stays until its patience is over",
		Gate:      "shutdown",
		Scenarios: []string{"full-lanes-stop"},
		Break: func(_ controlplane.Config, _ controlplane.Deps, p *controlplane.Parts) {
			for _, lane := range p.Lanes {
				lane.Slots = deafSlots{lane.Slots}
			}
		},
	}
}

type deafSlots struct{ worker.Slots }

// Free waits until a slot is free, whatever happens meanwhile.
func (s deafSlots) Free(ctx context.Context) int { return s.Slots.Free(context.WithoutCancel(ctx)) }
