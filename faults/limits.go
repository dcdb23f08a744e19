package faults

import (
	"context"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// limitable sees that the share of the machine of every process can be limited.
func limitable(processes []drills.Process) error {
	for _, p := range processes {
		if _, ok := p.(drills.Limiter); !ok {
			return fmt.Errorf("%w: %s shares the machine with everybody else: what it takes cannot be limited",
				drills.ErrUnsupported, p.Info().Name)
		}
	}
	return nil
}

// confine gives a process these limits and no others.
func confine(ctx context.Context, p drills.Process, l drills.Limits) error {
	return p.(drills.Limiter).Limit(ctx, l)
}

// unlimited takes all limits from processes.
func unlimited(ctx context.Context, processes []drills.Process) error {
	return together(ctx, processes, "lift the limits of", func(ctx context.Context, p drills.Process) error {
		return confine(ctx, p, drills.Limits{})
	})
}

// usage is how a process fares under its limits.
func usage(ctx context.Context, p drills.Process) (drills.Usage, error) {
	u, err := p.(drills.Limiter).Usage(ctx)
	if err != nil {
		return u, fmt.Errorf("read what %s takes of the machine: %w", p.Info().Name, err)
	}
	return u, nil
}
