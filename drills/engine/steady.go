package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Steady says what is missing for the system to be called steady: every started
// replica ready; a second without a fault, a recovery or a long stall of the
// harness behind it; each leadership acting in that second; and 99 % of the operations of
// that second acknowledged while a load runs.
func (d *Drill) Steady(ctx context.Context) error {
	running := (&target{drill: d}).running()
	if len(running) == 0 {
		return d.nobody()
	}
	if err := d.ready(ctx, running); err != nil {
		return err
	}
	now := d.Now()
	if since := d.view.Disturbed(d.cfg.Settle); since > 0 && now-since < steadyWindow {
		return fmt.Errorf("something was broken or mended %v ago", (now - since).Round(time.Millisecond))
	}
	if err := d.led(running, now); d.HasLeader() && err != nil {
		return err
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

// led says which leadership seen so far has nobody who acts. One whose effects are
// rarer than one a second is given the time that it has lately taken, and half of it
// more; of one that has acted once, such as to announce itself, nothing more is
// expected until a fault takes it.
func (d *Drill) led(running []drills.Process, now time.Duration) error {
	leaders := d.view.Leaders()
	if len(leaders) == 0 {
		return errors.New("no replica has acted as a leader yet")
	}
	for _, key := range slices.Sorted(maps.Keys(leaders)) {
		l := leaders[key]
		runs := slices.ContainsFunc(running, func(p drills.Process) bool { return p.Info().Name == l.Replica })
		switch silent := now - l.At; {
		case l.Lost:
			return fmt.Errorf("nobody has acted as the leader of %q since a fault took that from %s", key, l.Replica)
		case !runs:
			return fmt.Errorf("%s, which acted last as the leader of %q, does not run", l.Replica, key)
		case l.Pace > 0 && silent > max(steadyWindow, l.Pace*3/2):
			return fmt.Errorf("no replica that runs has acted as the leader of %q for %v", key, silent.Round(time.Millisecond))
		}
	}
	return nil
}

// Idle says what is missing for every acknowledged job to have had its effect.
func (d *Drill) Idle() error {
	n := d.view.Outstanding()
	switch {
	case n == 0:
		return nil
	case len((&target{drill: d}).running()) == 0:
		return d.nobody()
	}
	return fmt.Errorf("%d acknowledged jobs have no effect yet", n)
}

// nobody is the error of a system of which no replica runs. Unless a fault ends by
// itself, none ever will: the script, which would have to start one, waits.
func (d *Drill) nobody() error {
	err := errors.New("no replica runs")
	if d.guard.pending() {
		return err
	}
	return hopeless(err)
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
