package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
)

// run is one execution under way at this replica.
type run struct {
	execution ledger.Execution
	entry     queue.Entry

	owned  context.Context // ends when the execution is, or may be, somebody else's
	lose   context.CancelCauseFunc
	expiry *time.Timer // loses the run when it was not renewed in time

	work   context.Context // of the handler; ends with owned, or when the worker stops
	abort  context.CancelCauseFunc
	closed chan bool // the closer's answer: whether the job was completed

	// closing is set before the write that ends the execution. From then on a
	// renewal that does not find it in force proves nothing: that may be the
	// doing of this very write, whose own answer tells.
	closing atomic.Bool
}

// start begins an execution that was acquired by a request sent at that time.
func (w *Worker) start(life context.Context, e ledger.Execution, entry queue.Entry, asked time.Time, executions *sync.WaitGroup) {
	r := &run{execution: e, entry: entry, closed: make(chan bool, 1)}
	r.owned, r.lose = context.WithCancelCause(life)
	r.work, r.abort = context.WithCancelCause(r.owned)
	r.expiry = time.AfterFunc(time.Until(asked.Add(w.cfg.Lease)), func() { r.lose(ledger.ErrLost) })
	w.cfg.Slots.Take() // free, by the intake's count
	w.register(r)
	executions.Go(func() {
		defer w.cfg.Slots.Give()
		defer w.forget(r)
		defer r.expiry.Stop()
		defer r.lose(nil)
		w.execute(r)
	})
}

// execute does the job's work and closes the execution accordingly.
func (w *Worker) execute(r *run) {
	handler, known := w.kinds[r.execution.Kind]
	if !known {
		w.fail(r, fmt.Errorf("unknown kind %q", r.execution.Kind), false)
		return
	}
	err := handler(r.work, r.execution)
	switch {
	case r.owned.Err() != nil:
		w.lost(r)
	case err == nil:
		w.close(r)
	case r.work.Err() != nil:
		w.release(r)
	default:
		w.fail(r, err, r.execution.Failures+1 < w.cfg.MaxFailures)
	}
}

// close has the closer complete an execution whose work is done.
func (w *Worker) close(r *run) {
	r.closing.Store(true)
	w.done <- r // never full: there is a place for every slot
	select {
	case completed := <-r.closed:
		if !completed {
			w.lost(r)
		}
	case <-r.owned.Done():
		w.lost(r)
	}
}

// fail ends an execution that failed by the job's own fault.
func (w *Worker) fail(r *run, reason error, retry bool) {
	again := backoff.Policy{Base: 100 * time.Millisecond, Max: 10 * time.Second}
	f := ledger.Failure{Reason: reason.Error(), Retry: retry, Delay: again.Delay(r.execution.Failures)}
	var state jobs.State
	r.closing.Store(true)
	err := w.whileOwned(r, func(ctx context.Context) (err error) {
		state, err = w.ledger.Fail(ctx, r.execution, f)
		return err
	})
	if err != nil {
		w.lost(r)
		return
	}
	outcome := "retried"
	if state == jobs.Dead {
		outcome = "dead"
		w.log.Error("job dead-lettered", "job", r.execution.Job, "key", r.execution.Key, "kind", r.execution.Kind,
			"attempt", r.execution.Attempt, "err", reason)
	}
	w.metrics.Job(outcome, 1)
	w.logged("ack", w.queue.Ack(context.WithoutCancel(r.owned), []queue.Entry{r.entry}))
}

// release gives an unfinished execution back. Its work has stopped.
func (w *Worker) release(r *run) {
	var released map[int64]bool
	r.closing.Store(true)
	err := w.whileOwned(r, func(ctx context.Context) (err error) {
		released, err = w.ledger.Release(ctx, []ledger.Execution{r.execution})
		return err
	})
	if err != nil || !released[r.execution.Job] {
		w.lost(r)
		return
	}
	w.metrics.Job("released", 1)
	w.logged("ack", w.queue.Ack(context.WithoutCancel(r.owned), []queue.Entry{r.entry}))
}

// whileOwned repeats f until it succeeds or the execution is lost.
func (w *Worker) whileOwned(r *run, f func(context.Context) error) error {
	return backoff.Stores().Retry(r.owned, func(err error) bool { return !errors.Is(err, ledger.ErrLost) }, f)
}

// lost leaves an execution to whoever has it now. Its entry stays pending.
func (w *Worker) lost(r *run) {
	w.metrics.Job("lost", 1)
	w.log.Warn("execution lost", "job", r.execution.Job, "attempt", r.execution.Attempt, "cause", context.Cause(r.owned))
}
