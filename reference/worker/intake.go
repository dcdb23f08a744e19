package worker

import (
	"context"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
)

// block bounds how long a stop has to wait for a read.
const block = 200 * time.Millisecond

// starter begins an execution that was acquired by a request sent at that time.
type starter func(e ledger.Execution, entry queue.Entry, asked time.Time)

// intake reads entries as slots allow and starts their executions, until ctx
// ends. Calls under way then may go on until calls ends: an entry whose
// delivery nobody has heard of would be pending for a lease.
func (w *Worker) intake(ctx, calls context.Context, start starter) {
	failures := 0
	var reclaimed time.Time
	for ctx.Err() == nil {
		n := w.cfg.Slots.Free(ctx)
		if n == 0 {
			return
		}
		read := func() ([]queue.Entry, error) { return w.queue.Receive(calls, n, block) }
		if time.Since(reclaimed) >= w.cfg.Sweep {
			reclaimed = time.Now()
			read = func() ([]queue.Entry, error) { return w.queue.Reclaim(calls, n) }
		}
		entries, err := read()
		if err != nil {
			w.metrics.Failure("queue")
			w.log.Warn("reading the queue failed, trying again", "err", err)
			if backoff.Stores().Wait(ctx, failures) != nil {
				return
			}
			failures++
			continue
		}
		failures = 0
		if len(entries) > 0 {
			w.take(ctx, calls, entries, start)
		}
	}
}

// take acquires the jobs of entries and starts their executions. Entries whose
// jobs cannot be acquired for want of Postgres stay pending and come again.
func (w *Worker) take(ctx, calls context.Context, entries []queue.Entry, start starter) {
	byJob := make(map[int64][]queue.Entry, len(entries))
	ids := make([]int64, 0, len(entries))
	for _, e := range entries {
		if len(byJob[e.Job]) == 0 {
			ids = append(ids, e.Job)
		}
		byJob[e.Job] = append(byJob[e.Job], e)
	}
	answers, asked, err := w.acquire(ctx, calls, ids)
	if err != nil {
		w.log.Warn("acquiring failed, entries stay pending", "entries", len(ids), "err", err)
		return
	}
	var taken, finished []queue.Entry
	for _, id := range ids {
		entry := byJob[id][0] // the others of a job wait until it is final
		switch a := answers[id]; a.Verdict {
		case ledger.Acquired:
			taken = append(taken, entry)
			start(a.Execution, entry, asked)
		case ledger.Finished:
			finished = append(finished, byJob[id]...)
		case ledger.Unknown:
			w.logged("reject", w.queue.Reject(calls, entry, "no such job"))
		case ledger.Elsewhere:
		}
	}
	// The idle time of an entry must not begin before its job was acquired.
	if len(taken) > 0 {
		w.logged("touch", w.queue.Touch(calls, taken))
	}
	if len(finished) > 0 {
		w.logged("ack", w.queue.Ack(calls, finished))
	}
}

// acquire asks the ledger until it answers, the entries may be reclaimed, or
// ctx ends. It returns when the answered request was sent.
func (w *Worker) acquire(ctx, calls context.Context, ids []int64) (map[int64]ledger.Acquisition, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Lease)
	defer cancel()
	token := ledger.NewToken()
	for failures := 0; ; failures++ {
		asked := time.Now()
		answers, err := w.ledger.Acquire(calls, w.cfg.Replica, token, ids)
		if err == nil {
			return answers, asked, nil
		}
		w.metrics.Failure("ledger")
		if backoff.Stores().Wait(ctx, failures) != nil {
			return nil, asked, err
		}
	}
}

// logged notes an error of housekeeping that the next reclaim makes good.
func (w *Worker) logged(what string, err error) {
	if err != nil {
		w.metrics.Failure("queue")
		w.log.Warn("housekeeping of entries failed, a reclaim will repeat it", "what", what, "err", err)
	}
}
