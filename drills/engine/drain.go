package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// inspectDeadline bounds one look into the stores, and all tries of it.
	inspectDeadline = 10 * time.Second
	// drainPatience is how many settle intervals a drain may take where stalls of
	// the harness make it begin again and again.
	drainPatience = 10
)

// Drain heals what is still broken, stops the load, and waits until every
// acknowledged job is terminal, the queue is empty and one Settle has passed
// since the last heal, stop or stall, or until two have: what has no effect then is
// lost, and what is in the queue is left behind. Then it snapshots every store.
// Nothing can be broken or loaded in the meantime: it would not be outlasted.
func (d *Drill) Drain(ctx context.Context) error {
	d.still(true)
	defer d.still(false)
	if err := d.guard.HealAll(ctx); err != nil {
		return err
	}
	d.loads.Stop()
	begun := d.Now()
	d.cfg.Log.Append(history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.Invoke})
	complete, err := d.settled(ctx)
	e := history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.OK}
	if err != nil {
		e.Phase, e.Err = history.Fail, err.Error()
	}
	e.Detail = history.Detail(history.Drain{
		Complete: complete, Waited: d.Now() - begun, Outstanding: d.view.Outstanding(),
	})
	d.cfg.Log.Append(e)
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	d.rest = true
	return d.snapshot(ctx, history.SnapshotRest)
}

// still says whether nothing may begin.
func (d *Drill) still(on bool) {
	d.guard.still(on)
	d.loads.still(on)
}

// settled waits out the drain's rule, longer by each stall of the harness, and from
// the beginning after one that may have cost the system a lease. It is not complete
// where these never leave it that much time, and fails only when ctx ends.
func (d *Drill) settled(ctx context.Context) (complete bool, err error) {
	begun := d.Now() - d.cfg.Pulse.Stalled()
	for {
		since := d.view.Mended(d.cfg.Settle)
		if err := d.settledSince(ctx, since); err != nil {
			return false, err
		}
		stalled := d.cfg.Pulse.Stalled()
		switch {
		case d.view.Mended(d.cfg.Settle) == since:
			return true, nil
		case d.Now()-stalled-begun > drainPatience*d.cfg.Settle:
			return false, nil
		}
	}
}

func (d *Drill) settledSince(ctx context.Context, since time.Duration) error {
	if err := Pause(ctx, max(0, since+d.cfg.Settle-d.Now())); err != nil {
		return err
	}
	err := d.Poll(ctx, max(pollEvery, since+2*d.cfg.Settle-d.Now()), func() error {
		if d.view.Mended(d.cfg.Settle) != since {
			return nil
		}
		return d.idle(ctx)
	})
	var expired *ExpiredError
	if errors.As(err, &expired) {
		return nil // two Settles have passed: the drain is complete, whatever is left
	}
	return err
}

// idle says what work is left, by the witness and, where the system can be
// looked into, by its own stores.
func (d *Drill) idle(ctx context.Context) error {
	if n := d.view.Outstanding(); n > 0 {
		return fmt.Errorf("%d acknowledged jobs have no effect yet", n)
	}
	inspector, ok := d.cfg.Cluster.(drills.Inspector)
	if !ok {
		return nil
	}
	counts, err := inspector.Inspect(ctx)
	if err != nil {
		return d.own("look into the stores", err)
	}
	for _, name := range underWay {
		if n := counts[name]; n > 0 {
			return fmt.Errorf("%d %s", n, name)
		}
	}
	return nil
}

// underWay are the counts of what has not come to rest. An entry may outlive its
// job: the second one of a job that was published twice is found to be of no use
// only when it is looked at again.
var underWay = []string{history.CountUnfinished, history.CountPending, history.CountQueued}

// snapshot writes down what every store holds. A store that cannot be read is
// a failed snapshot in the history, and the gates that need it say so.
func (d *Drill) snapshot(ctx context.Context, key string) error {
	inspector, ok := d.cfg.Cluster.(drills.Inspector)
	if !ok {
		return nil
	}
	var counts drills.Snapshot
	err := d.Poll(ctx, inspectDeadline, func() (err error) {
		ctx, cancel := context.WithTimeout(ctx, inspectDeadline)
		defer cancel()
		counts, err = inspector.Inspect(ctx)
		return d.own("look into the stores", err)
	})
	e := history.Event{Actor: "engine", Op: history.OpSnapshot, Phase: history.OK, Key: key}
	if err != nil {
		e.Phase, e.Err = history.Fail, err.Error()
	} else {
		e.Detail = history.Detail(history.Snapshot(counts))
	}
	d.cfg.Log.Append(e)
	if err != nil {
		return fmt.Errorf("snapshot the stores (%s): %w", key, err)
	}
	return nil
}
