package slots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
)

// Act does what a task has to do in a slot, under the lease in ctx, and returns
// what it decided. Its key at the receiver is the subject, "task/slot".
type Act func(ctx context.Context, subject string) (decision json.RawMessage, err error)

// Worker is a leader's singleton that acts once in every slot.
type Worker struct {
	Task    string
	Slots   Slots
	Act     Act
	CatchUp bool // acts in every slot that was missed, too
	Metrics *metrics.Set
	Log     *slog.Logger
}

var _ leadership.Singleton = (*Worker)(nil)

// Name implements leadership.Singleton.
func (w *Worker) Name() string { return w.Task }

// Run implements leadership.Singleton.
func (w *Worker) Run(ctx context.Context) error {
	failures := 0
	for {
		next, err := w.act(ctx)
		switch {
		case errors.Is(err, leadership.ErrTermLost):
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			w.Metrics.Failure(w.Task)
			w.Log.Warn("task failed, trying again", "task", w.Task, "err", err)
			next = backoff.Stores().Delay(failures)
			failures++
		default:
			failures = 0
		}
		if backoff.Sleep(ctx, next) != nil {
			return nil
		}
	}
}

// act acts in the slots that are due, in order, and returns how long the next
// one is away.
func (w *Worker) act(ctx context.Context) (time.Duration, error) {
	due, err := w.Slots.Due(ctx)
	if err != nil {
		return 0, err
	}
	switch {
	case !w.CatchUp:
		due.First = max(due.First, due.Last)
	case due.New:
		if err := w.Slots.Record(ctx, due.First-1, nil); err != nil {
			return 0, err
		}
	}
	for slot := due.First; slot <= due.Last; slot++ {
		decision, err := w.Act(ctx, fmt.Sprintf("%s/%d", w.Task, slot))
		if err != nil {
			return 0, err
		}
		if err := w.Slots.Record(ctx, slot, decision); err != nil {
			return 0, err
		}
	}
	if due.First < due.Last {
		return 0, nil // catching up took time: look again at once
	}
	return due.Next, nil
}
