package kinds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/worker"
)

// Caller calls backends. Errors that effects.Temporary knows as such leave
// open whether the call has been made.
type Caller interface {
	Call(ctx context.Context, to backends.Name, e effects.Effect) (effects.Outcome, error)
}

// Handlers returns the handler of each kind. Steps are kept by s, backends are
// called by c, and the effect of a job whose steps are finished goes to r.
func Handlers(s Steps, c Caller, r effects.Reporter) map[string]worker.Handler {
	handlers := make(map[string]worker.Handler, len(plans))
	for kind, plan := range plans {
		w := workflow{plan: plan, steps: s, backends: c, effect: worker.EffectKind(r)}
		handlers[kind] = w.run
	}
	return handlers
}

// workflow is the work of one kind.
type workflow struct {
	plan     []step
	steps    Steps
	backends Caller
	effect   worker.Handler
}

// run goes on behind the last step that is finished. It implements
// worker.Handler.
func (w workflow) run(ctx context.Context, e ledger.Execution) error {
	size, err := size(e.Kind, e.Payload)
	if err != nil {
		return err
	}
	if _, err := worker.EffectWork(e.Payload); err != nil { // before anything is done for it
		return err
	}
	var finished int
	err = keepOn(ctx, func(ctx context.Context) (err error) {
		finished, err = w.steps.Finished(ctx, e.Job)
		return err
	})
	if err != nil {
		return err
	}
	for n := finished + 1; n <= len(w.plan); n++ {
		if err := w.step(ctx, e, n, size); err != nil {
			return fmt.Errorf("step %d-%s: %w", n, w.plan[n-1].name, err)
		}
	}
	return w.effect(ctx, e)
}

// step makes the calls of step n, counted from 1, and finishes it.
func (w workflow) step(ctx context.Context, e ledger.Execution, n, size int) error {
	s := w.plan[n-1]
	key := fmt.Sprintf("%s/%s/%d-%s", e.Kind, e.Key, n, s.name)
	keys := []string{key}
	if s.each {
		keys = keys[:0]
		for i := range size {
			keys = append(keys, fmt.Sprintf("%s/%d", key, i+1))
		}
	}
	outcomes, err := w.call(ctx, s.to, e.Attempt, keys)
	if err != nil {
		return err
	}
	result, err := json.Marshal(outcomes)
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	return keepOn(ctx, func(ctx context.Context) error {
		if n < len(w.plan) {
			return w.steps.Finish(ctx, e, n, result)
		}
		return w.steps.Conclude(ctx, e, n, result, size)
	})
}

// waits is the spacing of calls to a backend that fails or may not be called:
// short, for a breaker that refuses does so at no cost.
func waits() backoff.Policy {
	return backoff.Policy{Base: 20 * time.Millisecond, Max: 200 * time.Millisecond}
}

// call makes one call for each key, at once, each until it is taken.
func (w workflow) call(ctx context.Context, to backends.Name, attempt int, keys []string) ([]effects.Outcome, error) {
	outcomes := make([]effects.Outcome, len(keys))
	calls, ctx := errgroup.WithContext(ctx)
	for i, key := range keys {
		calls.Go(func() error {
			return waits().Retry(ctx, effects.Temporary, func(ctx context.Context) (err error) {
				outcomes[i], err = w.backends.Call(ctx, to, effects.Effect{
					Subject: key, Key: key, Kind: effects.Once, Attempt: attempt,
				})
				return err
			})
		})
	}
	return outcomes, calls.Wait()
}

// keepOn repeats f while Postgres is away, until ctx ends.
func keepOn(ctx context.Context, f func(context.Context) error) error {
	return backoff.Stores().Retry(ctx, func(err error) bool { return !errors.Is(err, ledger.ErrLost) }, f)
}
