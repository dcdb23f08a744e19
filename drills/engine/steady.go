package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Steady says what is missing for the system to be called steady: every
// started replica ready, a leader's effect in the last second, and 99 % of the
// operations of the last second acknowledged while a load runs.
func (d *Drill) Steady(ctx context.Context) error {
	running := (&target{drill: d}).running()
	if len(running) == 0 {
		return errors.New("no replica runs")
	}
	if err := d.ready(ctx, running); err != nil {
		return err
	}
	now := d.Now()
	if d.HasLeader() && !d.led(running, now) {
		return errors.New("no replica that runs has acted as a leader in the last second")
	}
	if !d.loads.Running() {
		return nil
	}
	if share, n := d.view.LoadShare(now); n == 0 || share < 0.99 {
		return fmt.Errorf("%.1f %% of %d operations were acknowledged in the last second", 100*share, n)
	}
	if since := d.loads.Since(); now-since < steadyWindow {
		return fmt.Errorf("the load has run for %v only", (now - since).Round(time.Millisecond))
	}
	return nil
}

// led says whether one of the replicas has acted as a leader just now.
func (d *Drill) led(running []drills.Process, now time.Duration) bool {
	newest, _ := (&target{drill: d}).newest()
	return now-newest.At <= steadyWindow && slices.ContainsFunc(running, func(p drills.Process) bool {
		return p.Info().Name == newest.Replica
	})
}

func (d *Drill) ready(ctx context.Context, running []drills.Process) error {
	prober, ok := d.cfg.Cluster.(drills.Prober)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, steadyWindow)
	defer cancel()
	for _, p := range running {
		if err := prober.Ready(ctx, p.Info().Name); err != nil {
			return fmt.Errorf("%s is not ready: %w", p.Info().Name, err)
		}
	}
	return nil
}
