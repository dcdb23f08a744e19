package worker

import (
	"context"
	"slices"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
)

// renewer keeps the executions under way from going stale until ctx ends.
func (w *Worker) renewer(ctx context.Context) {
	for backoff.Sleep(ctx, w.cfg.Lease/4) == nil {
		if runs := w.all(); len(runs) > 0 {
			w.renew(ctx, runs)
		}
	}
}

// renew renews in the ledger first: touching an entry that is somebody else's
// would delay its next reclaim.
func (w *Worker) renew(ctx context.Context, runs []*run) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Lease/4)
	defer cancel()
	asked := time.Now()
	inForce, err := w.ledger.Renew(ctx, executionsOf(runs))
	if err != nil {
		// Without an answer the expiry of each run decides.
		w.metrics.Failure("ledger")
		w.log.Warn("renewal failed, trying again", "executions", len(runs), "err", err)
		return
	}
	var kept []queue.Entry
	for _, r := range runs {
		if !inForce[r.execution.Job] {
			if !r.closing.Load() {
				r.lose(ledger.ErrLost)
			}
			continue
		}
		// A run whose expiry has fired stays lost: it may have acted on that.
		if r.expiry.Stop() {
			r.expiry.Reset(time.Until(asked.Add(w.cfg.Lease)))
		}
		kept = append(kept, r.entry)
	}
	if len(kept) > 0 {
		w.logged("touch", w.queue.Touch(ctx, kept))
	}
}

// closer completes executions until ctx ends: all that are done by the time
// the last batch was written go into the next one.
func (w *Worker) closer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case r := <-w.done:
			w.complete(ctx, w.ready(r))
		}
	}
}

func (w *Worker) ready(first *run) []*run {
	batch := []*run{first}
	for {
		select {
		case r := <-w.done:
			batch = append(batch, r)
		default:
			return batch
		}
	}
}

// complete closes executions whose work is done, and tries again for as long
// as any of them is owned.
func (w *Worker) complete(ctx context.Context, open []*run) {
	for failures := 0; len(open) > 0; failures++ {
		completed, err := w.ledger.Complete(ctx, executionsOf(open))
		if err == nil {
			w.completed(ctx, open, completed)
			return
		}
		w.metrics.Failure("ledger")
		w.log.Warn("completing failed, trying again", "executions", len(open), "err", err)
		if backoff.Stores().Wait(ctx, failures) != nil {
			return
		}
		open = slices.DeleteFunc(open, func(r *run) bool { return r.owned.Err() != nil })
	}
}

func (w *Worker) completed(ctx context.Context, batch []*run, completed map[int64]bool) {
	done := make([]queue.Entry, 0, len(batch))
	for _, r := range batch {
		if completed[r.execution.Job] {
			done = append(done, r.entry)
		}
		r.closed <- completed[r.execution.Job]
	}
	w.metrics.Job("done", len(done))
	if len(done) > 0 {
		// The end of the last execution ends ctx, and must not cut this short.
		w.logged("ack", w.queue.Ack(context.WithoutCancel(ctx), done))
	}
}

func executionsOf(runs []*run) []ledger.Execution {
	list := make([]ledger.Execution, len(runs))
	for i, r := range runs {
		list[i] = r.execution
	}
	return list
}
