package engine

import (
	"context"
	"errors"
	"sync"
)

// background owns the steps that run beside the script. All of them end at
// Wait at the latest.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu   sync.Mutex
	errs []error
}

func newBackground(ctx context.Context) *background {
	ctx, cancel := context.WithCancel(ctx)
	return &background{ctx: ctx, cancel: cancel}
}

// Go runs a step until it is done or Wait is called.
func (b *background) Go(step func(context.Context) error) {
	b.wg.Go(func() {
		if err := survive(func() error { return step(b.ctx) }); err != nil {
			b.note(err)
		}
	})
}

func (b *background) note(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errs = append(b.errs, err)
}

// Err returns what background steps have failed with so far.
func (b *background) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return errors.Join(b.errs...)
}

// Wait ends all steps and returns what they failed with.
func (b *background) Wait() error {
	b.cancel()
	b.wg.Wait()
	return b.Err()
}
