package faults

import (
	"context"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// bulk is a fault of links that is proved by how long many bytes take.
type bulk struct {
	degraded
	bytes int           // that a probe sends, and wants to be answered with
	late  time.Duration // the least that they take while the fault is in effect
}

// tries is how often a healthy link may be kept from its speed by a machine
// that has other things to do.
const tries = 3

// Plan also sees each link carry as much in half the time: what is slow
// afterwards was not so before.
func (f *bulk) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	undo, err := f.degraded.Plan(ctx, t)
	if err != nil {
		return drills.Undo{}, err
	}
	return undo, f.each(func(c cut) (err error) {
		for range tries {
			if err = c.probeWith(ctx, f.bytes, f.late/2); err == nil {
				return nil
			}
		}
		return fmt.Errorf("it does not carry %d bytes in %v: %w", f.bytes, f.late/2, err)
	})
}

// Await sends as much over every link and wants it to be late.
func (f *bulk) Await(ctx context.Context) (drills.Evidence, error) {
	err := f.each(func(c cut) error {
		return wantLate(f.late, func() error { return c.probeWith(ctx, f.bytes, f.late) })
	})
	if err != nil {
		return nil, err
	}
	return drills.Evidence{
		"late": f.names(), "direction": f.how.Direction, "bytes": f.bytes, "by_at_least_ms": f.late.Milliseconds(),
	}, nil
}
