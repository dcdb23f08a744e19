package worker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/queue"
)

// Source is where entries come from.
type Source interface {
	// Receive waits up to block for at most n new entries.
	Receive(ctx context.Context, n int, block time.Duration) ([]queue.Entry, error)
	// Reclaim takes over at most n entries of consumers that went silent.
	Reclaim(ctx context.Context, n int) ([]queue.Entry, error)
}

// Pending is what can be done with entries that were delivered.
type Pending interface {
	// Touch keeps entries from being reclaimed.
	Touch(ctx context.Context, entries []queue.Entry) error
	// Ack removes entries.
	Ack(ctx context.Context, entries []queue.Entry) error
	// Reject removes an entry that belongs to no job, and keeps a record.
	Reject(ctx context.Context, e queue.Entry, reason string) error
}

// Queue is the stream as workers use it.
type Queue interface {
	Source
	Pending
}

// Owner gives executions and keeps them.
type Owner interface {
	Acquire(ctx context.Context, owner string, token ledger.Token, ids []int64) (map[int64]ledger.Acquisition, error)
	// Renew returns the jobs whose executions are still in force.
	Renew(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error)
}

// Closer ends executions, by token.
type Closer interface {
	// Complete and Release return the jobs that the call has ended.
	Complete(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error)
	Release(ctx context.Context, executions []ledger.Execution) (map[int64]bool, error)
	// Fail returns the job's new state, or ledger.ErrLost.
	Fail(ctx context.Context, e ledger.Execution, f ledger.Failure) (jobs.State, error)
}

// Ledger is the record of executions as workers use it.
type Ledger interface {
	Owner
	Closer
}

var (
	_ Queue  = (*queue.Stream)(nil)
	_ Ledger = (*ledger.Ledger)(nil)
)

// Handler does the work of a kind of job. It retries what is temporary until
// ctx ends. Its error is the job's own failure, unless ctx has ended.
type Handler func(ctx context.Context, e ledger.Execution) error

// Config is how a worker works.
type Config struct {
	Replica     string
	Slots       Slots         // for jobs at once
	Lease       time.Duration // of an execution, and the idle time before reclaim
	Sweep       time.Duration // between reclaims
	Grace       time.Duration // from being told to stop until Run returns
	MaxFailures int           // by the job's own fault, before it is given up
}

// Worker runs the jobs of one lane at one replica.
type Worker struct {
	cfg     Config
	queue   Queue
	ledger  Ledger
	kinds   map[string]Handler
	metrics *metrics.Set
	log     *slog.Logger

	done chan *run // to the closer

	mu   sync.Mutex
	runs map[*run]struct{}
}

// New returns a worker that runs each kind of job with its handler.
func New(cfg Config, q Queue, l Ledger, kinds map[string]Handler, m *metrics.Set, log *slog.Logger) *Worker {
	return &Worker{
		cfg: cfg, queue: q, ledger: l, kinds: kinds, metrics: m, log: log,
		done: make(chan *run, cfg.Slots.Size()),
		runs: make(map[*run]struct{}),
	}
}

var errStopping = errors.New("worker is stopping")

// Run works until ctx ends, then finishes or gives back what it has begun and
// returns within the grace.
func (w *Worker) Run(ctx context.Context) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	calls, brake := context.WithCancel(life)
	var helpers, executions sync.WaitGroup
	taken := make(chan struct{})
	helpers.Go(func() { w.renewer(life) })
	helpers.Go(func() { w.closer(life) })
	helpers.Go(func() { w.stopper(ctx, life, brake, taken, end) })
	w.intake(ctx, calls, func(e ledger.Execution, entry queue.Entry, asked time.Time) {
		w.start(life, e, entry, asked, &executions)
	})
	close(taken)
	executions.Wait()
	end()
	helpers.Wait()
}

// stopper waits for ctx to end. Then it gives executions half the grace to
// finish, aborts them all when the intake has taken its last, and leaves a
// quarter to give them back.
func (w *Worker) stopper(ctx, life context.Context, brake context.CancelFunc, taken <-chan struct{}, end context.CancelFunc) {
	defer brake()
	select {
	case <-ctx.Done():
	case <-life.Done():
		return
	}
	if backoff.Sleep(life, w.cfg.Grace/2) != nil {
		return
	}
	brake()
	<-taken
	for _, r := range w.all() {
		r.abort(errStopping)
	}
	if backoff.Sleep(life, w.cfg.Grace/4) == nil {
		end()
	}
}

// all returns the executions under way.
func (w *Worker) all() []*run {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]*run, 0, len(w.runs))
	for r := range w.runs {
		list = append(list, r)
	}
	return list
}

func (w *Worker) register(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs[r] = struct{}{}
}

func (w *Worker) forget(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.runs, r)
}
