package witness

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// Config is what a witness needs.
type Config struct {
	Log  *history.Log // where every decision is recorded; the witness never closes it
	Seed uint64       // from which it is drawn which calls of a failing backend fail
}

// Witness is a running witness with its backends.
type Witness struct {
	*endpoint
	backends []*backend

	closing  sync.Once
	closeErr error
}

// Start serves a witness and its backends, each on a free port of the loopback
// interface, until Close. ctx bounds the start only.
func Start(ctx context.Context, cfg Config) (*Witness, error) {
	return start(ctx, cfg, defaultTimeouts())
}

func start(ctx context.Context, cfg Config, limits timeouts) (*Witness, error) {
	if cfg.Log == nil {
		return nil, errors.New("start witness: it has no log")
	}
	known := newTokens()
	own, err := listen(ctx, newLedger(cfg.Log, "witness", history.OpEffect), known, limits)
	if err != nil {
		return nil, fmt.Errorf("start witness: %w", err)
	}
	own.serve(own.routes())
	w := &Witness{endpoint: own}
	for i, name := range drills.BackendNames() {
		e, err := listen(ctx, newLedger(cfg.Log, "backend/"+name, history.OpCall), known, limits)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start witness: %w", err), w.Close(ctx))
		}
		b := &backend{endpoint: e, name: name, condition: newCondition(cfg.Seed, uint64(i+1))}
		b.serve(b.routes())
		w.backends = append(w.backends, b)
	}
	return w, nil
}

// Token returns the bearer token by which the witness and its backends know a
// replica. It is random, made at the first call for that replica, and the same
// ever after.
func (w *Witness) Token(replica string) string { return w.tokens.of(replica) }

// Backends returns the backends, in a stable order.
func (w *Witness) Backends() []drills.Backend {
	var all []drills.Backend
	for _, b := range w.backends {
		all = append(all, b)
	}
	return all
}

// Close lets go of the calls that backends hold, answers what has arrived, then
// breaks off whatever connections are left. Once it has returned, every call
// that began has its end, and nothing more is appended to the log. ctx can shorten the wait for answers, never the rest.
// Closing twice is harmless.
func (w *Witness) Close(ctx context.Context) error {
	w.closing.Do(func() { w.closeErr = w.close(ctx) })
	return w.closeErr
}

// close shuts all endpoints at once.
func (w *Witness) close(ctx context.Context) error {
	all := []interface{ shut(context.Context) error }{w.endpoint}
	for _, b := range w.backends {
		all = append(all, b)
	}
	errs := make([]error, len(all))
	var shutting sync.WaitGroup
	for i, e := range all {
		shutting.Go(func() { errs[i] = e.shut(ctx) })
	}
	shutting.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close witness: %w", err)
	}
	return nil
}
