package docker

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

// Kill ends it at once, frozen or not, and returns when it is reaped.
func (c *container) Kill(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	r := c.running()
	if r == nil {
		return fmt.Errorf("kill %s: %w", c.spec.name, drills.ErrNotRunning)
	}
	if err := c.end(ctx, r); err != nil {
		return fmt.Errorf("kill %s: %w", c.spec.name, err)
	}
	return nil
}

func (c *container) end(ctx context.Context, r *run) error {
	if err := c.signal(ctx, r, syscall.SIGKILL); err != nil {
		return err
	}
	return await(ctx, r)
}

func await(ctx context.Context, r *run) error {
	select {
	case <-r.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("it has not ended: %w", ctx.Err())
	}
}

// signal sends one. The engine sends none to what is frozen. There the kernel
// takes it, and a SIGKILL is the first that a thawed process sees.
func (c *container) signal(ctx context.Context, r *run, s syscall.Signal) error {
	if s == syscall.SIGKILL {
		c.mu.Lock()
		c.killed = true
		c.mu.Unlock()
	}
	if c.isPaused() {
		if err := syscall.Kill(r.pid, s); err != nil || s != syscall.SIGKILL {
			return err
		}
		return c.thaw(ctx)
	}
	_, err := c.engine().ContainerKill(ctx, c.id, client.ContainerKillOptions{Signal: fmt.Sprint(int(s))})
	if errdefs.IsConflict(err) {
		return nil // it has ended by itself: watch is about to say so
	}
	return err
}

func (c *container) isPaused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paused
}

// Pause freezes it, by the engine: not by a signal, so that it cannot know.
func (c *container) Pause(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.running() == nil {
		return fmt.Errorf("pause %s: %w", c.spec.name, drills.ErrNotRunning)
	}
	if c.isPaused() {
		return nil
	}
	if _, err := c.engine().ContainerPause(ctx, c.id, client.ContainerPauseOptions{}); err != nil {
		return fmt.Errorf("pause %s: %w", c.spec.name, err)
	}
	c.setPaused(true)
	return nil
}

// Resume lets it run on.
func (c *container) Resume(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.running() == nil {
		return fmt.Errorf("resume %s: %w", c.spec.name, drills.ErrNotRunning)
	}
	if !c.isPaused() {
		return nil
	}
	if err := c.thaw(ctx); err != nil {
		return fmt.Errorf("resume %s: %w", c.spec.name, err)
	}
	return nil
}

func (c *container) thaw(ctx context.Context) error {
	_, err := c.engine().ContainerUnpause(ctx, c.id, client.ContainerUnpauseOptions{})
	if err == nil {
		c.setPaused(false)
	}
	return err
}

func (c *container) setPaused(paused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused = paused
}

// Terminate asks it to end, and ends it when its grace has passed.
func (c *container) Terminate(ctx context.Context) (drills.Exit, error) {
	c.changing.Lock()
	defer c.changing.Unlock()
	r := c.running()
	if r == nil {
		return drills.Exit{}, fmt.Errorf("terminate %s: %w", c.spec.name, drills.ErrNotRunning)
	}
	if err := c.terminate(ctx, r); err != nil {
		return drills.Exit{}, fmt.Errorf("terminate %s: %w", c.spec.name, err)
	}
	return r.exit, nil
}

func (c *container) terminate(ctx context.Context, r *run) error {
	begun := time.Now()
	if err := c.ask(ctx, r); err != nil {
		return err
	}
	err := awaitFor(ctx, r, c.spec.grace-time.Since(begun))
	if errors.Is(err, errGrace) {
		return c.end(ctx, r)
	}
	return err
}

// ask asks it to end in good order.
func (c *container) ask(ctx context.Context, r *run) error {
	if c.spec.ask == nil {
		return c.signal(ctx, r, c.spec.stop)
	}
	ctx, cancel := context.WithTimeout(ctx, c.spec.grace)
	defer cancel()
	return c.spec.ask(ctx)
}

// AskedBy says what asks it to end in good order.
func (c *container) AskedBy() string {
	if c.spec.ask != nil {
		return drills.ByRequest
	}
	return unix.SignalName(c.spec.stop)
}

var errGrace = errors.New("its grace has passed")

func awaitFor(ctx context.Context, r *run, grace time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, grace, errGrace)
	defer cancel()
	if err := await(ctx, r); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	return nil
}
