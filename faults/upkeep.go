package faults

import (
	"context"
	"fmt"
	"time"
)

// upkeep is what a fault goes on doing while it is held. The fault owns it:
// Inject begins it, and Recover ends it.
type upkeep struct {
	stop context.CancelFunc
	done chan struct{}
	err  error // valid after done
}

// keepUp runs do until it fails or the upkeep is ended, which do takes from its
// context. It outlives ctx: the engine's ends once the fault is proved.
func keepUp(ctx context.Context, do func(context.Context) error) *upkeep {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	u := &upkeep{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		u.err = survive(func() error { return do(ctx) })()
	}()
	return u
}

// end ends the upkeep and says what it failed with. It does nothing where none
// was begun, and can be repeated.
func (u *upkeep) end(ctx context.Context) error {
	if u == nil {
		return nil
	}
	u.stop()
	select {
	case <-u.done:
	case <-ctx.Done():
		return fmt.Errorf("wait until the fault keeps itself up no longer: %w", ctx.Err())
	}
	if u.err != nil {
		return fmt.Errorf("keep the fault up: %w", u.err)
	}
	return nil
}

// rest waits for d, or for the end of ctx.
func rest(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
