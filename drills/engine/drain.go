package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// inspectDeadline bounds one look into the stores.
const inspectDeadline = 10 * time.Second

// Drain heals what is still broken, stops the load, and waits until every
// acknowledged job is terminal, the queue is empty and one Settle has passed
// since the last heal or stop, or until two have: what has no effect then is
// lost, and what is in the queue is left behind. Then it snapshots every store.
func (d *Drill) Drain(ctx context.Context) error {
	if err := d.guard.HealAll(ctx); err != nil {
		return err
	}
	d.loads.Stop()
	begun := d.Now()
	d.cfg.Log.Append(history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.Invoke})
	err := d.settled(ctx)
	e := history.Event{Actor: "engine", Op: history.OpDrain, Phase: history.OK}
	if err != nil {
		e.Phase, e.Err = history.Fail, err.Error()
	}
	e.Detail = history.Detail(history.Drain{
		Complete: err == nil, Waited: d.Now() - begun, Outstanding: d.view.Outstanding(),
	})
	d.cfg.Log.Append(e)
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	d.rest = true
	return d.snapshot(ctx, history.SnapshotRest)
}

// settled waits out the drain's rule. It fails only when ctx ends.
func (d *Drill) settled(ctx context.Context) error {
	since := d.view.Mended()
	if err := Pause(ctx, max(0, since+d.cfg.Settle-d.Now())); err != nil {
		return err
	}
	err := Poll(ctx, max(pollEvery, since+2*d.cfg.Settle-d.Now()), func() error { return d.idle(ctx) })
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
		return err
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
	ctx, cancel := context.WithTimeout(ctx, inspectDeadline)
	defer cancel()
	var counts drills.Snapshot
	err := Poll(ctx, inspectDeadline, func() (err error) {
		counts, err = inspector.Inspect(ctx)
		return err
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
