package witness

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// backendNames are the backends of every witness.
var backendNames = []string{"compute", "network", "storage", "dns", "loadbalancer"}

// backend is one infrastructure service: an endpoint that can be degraded.
type backend struct {
	*endpoint
	name string
}

var _ drills.Backend = (*backend)(nil)

// Name implements drills.Backend.
func (b *backend) Name() string { return b.name }

// Degrade implements drills.Backend.
func (b *backend) Degrade(_ context.Context, i drills.Impairment) error {
	switch i.Kind {
	case drills.Failing, drills.Slow, drills.Hanging:
	default:
		return fmt.Errorf("degrade %s: impairment %q: %w", b.name, i.Kind, drills.ErrUnsupported)
	}
	if err := b.condition.become(i); err != nil {
		return fmt.Errorf("degrade %s: %w", b.name, err)
	}
	return nil
}

// Heal implements drills.Backend.
func (b *backend) Heal(context.Context) error { return b.condition.become(drills.Impairment{}) }
