package process

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
)

const (
	// poll is how often /proc is looked at while something is waited for.
	poll = time.Millisecond
	// patience bounds what the kernel does in microseconds, unless a thread
	// is in uninterruptible sleep.
	patience = 20 * time.Second
	// quitting is how long the end of a process by Quit may take at Close.
	quitting = 2 * time.Second
)

// Kill sends SIGKILL and returns once the process is reaped; that of a tree,
// once every descendant is gone too.
func (p *Process) Kill(ctx context.Context) error {
	r, all, err := p.sendKill(ctx)
	if r != nil {
		err = errors.Join(err, awaitRun(ctx, r), awaitAll(ctx, "gone", all, stat.gone))
	}
	if err != nil {
		return fmt.Errorf("kill %s: %w", p.spec.Name, err)
	}
	return nil
}

// sendKill kills the process and gives what must be gone before it can start
// again.
func (p *Process) sendKill(ctx context.Context) (*run, []stat, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return nil, nil, drills.ErrNotRunning
	}
	var all []stat
	var err error
	if p.spec.Tree {
		all, err = p.freeze(ctx)
		self := func(s stat) bool { return s.pid == p.run.pid }
		err = errors.Join(err, signalAll(slices.DeleteFunc(slices.Clone(all), self), unix.SIGKILL))
	}
	return p.run, all, errors.Join(err, signal(-p.run.pid, unix.SIGKILL))
}

// Terminate asks the process to end, and kills it when its grace has passed.
func (p *Process) Terminate(ctx context.Context) (drills.Exit, error) {
	grace := time.NewTimer(p.spec.Grace)
	defer grace.Stop()
	r, err := p.ask(ctx)
	if err != nil {
		return drills.Exit{}, fmt.Errorf("terminate %s: %w", p.spec.Name, err)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return drills.Exit{}, fmt.Errorf("terminate %s: %w", p.spec.Name, ctx.Err())
	case <-grace.C:
		// It may end by itself at this very moment.
		if err := p.Kill(ctx); err != nil && !errors.Is(err, drills.ErrNotRunning) {
			return drills.Exit{}, fmt.Errorf("%s has outlived its grace of %v: %w", p.spec.Name, p.spec.Grace, err)
		}
		<-r.done
	}
	return r.exit, r.err
}

// ask asks the process to end in good order.
func (p *Process) ask(ctx context.Context) (*run, error) {
	if p.spec.Ask == nil {
		return p.send(p.spec.Stop)
	}
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	if r == nil {
		return nil, drills.ErrNotRunning
	}
	ctx, cancel := context.WithTimeout(ctx, p.spec.Grace)
	defer cancel()
	return r, p.spec.Ask(ctx)
}

// Pause stops every thread of the process, its group and, for a tree, its
// descendants, and returns once none executes anything of its program.
func (p *Process) Pause(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.pause(ctx); err != nil {
		return fmt.Errorf("pause %s: %w", p.spec.Name, err)
	}
	return nil
}

func (p *Process) pause(ctx context.Context) error {
	if p.run == nil {
		return drills.ErrNotRunning
	}
	all, err := p.freeze(ctx)
	if err != nil {
		return err
	}
	if err := signalAll(all, unix.SIGSTOP); err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(s stat) bool { return s.pid == p.run.pid }) {
		return drills.ErrNotRunning // it has ended and waits to be reaped
	}
	return awaitAll(ctx, "stopped", all, stat.stopped)
}

// freeze stops the process, so that it can neither fork nor reap, and lists
// its family.
func (p *Process) freeze(ctx context.Context) ([]stat, error) {
	if err := signal(-p.run.pid, unix.SIGSTOP); err != nil {
		return nil, err
	}
	self := stat{pid: p.run.pid}
	if err := await(ctx, self.stopped); err != nil {
		return nil, fmt.Errorf("wait until it is stopped: %w", err)
	}
	return family(p.run.pid)
}

// Resume lets a paused process run on, and returns once it does. Resuming one
// that is not paused does nothing.
func (p *Process) Resume(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.resume(ctx); err != nil {
		return fmt.Errorf("resume %s: %w", p.spec.Name, err)
	}
	return nil
}

func (p *Process) resume(ctx context.Context) error {
	if p.run == nil {
		return drills.ErrNotRunning
	}
	all, err := family(p.run.pid)
	if err != nil {
		return err
	}
	if err := signalAll(all, unix.SIGCONT); err != nil {
		return err
	}
	return awaitAll(ctx, "running again", all, stat.running)
}

// end ends a process at once. What keeps it from quitting, if anything, does
// not keep it from being killed.
func (p *Process) end(ctx context.Context) error {
	if p.spec.Quit != unix.SIGKILL && p.quit(ctx) == nil {
		return nil
	}
	return p.Kill(ctx)
}

func (p *Process) quit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, quitting)
	defer cancel()
	if err := p.Resume(ctx); err != nil {
		return err
	}
	r, err := p.send(p.spec.Quit)
	if err != nil {
		return err
	}
	return awaitRun(ctx, r)
}

// send signals the process group, or of a tree the process alone.
func (p *Process) send(sig syscall.Signal) (*run, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return nil, drills.ErrNotRunning
	}
	if p.spec.Tree {
		return p.run, signal(p.run.pid, sig)
	}
	return p.run, signal(-p.run.pid, sig)
}

// signal treats a target that has just ended as signalled.
func signal(pid int, sig syscall.Signal) error {
	if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("send %v: %w", sig, err)
	}
	return nil
}

func signalAll(all []stat, sig syscall.Signal) error {
	var errs []error
	for _, s := range all {
		errs = append(errs, signal(s.pid, sig))
	}
	return errors.Join(errs...)
}

func awaitRun(ctx context.Context, r *run) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("wait for process %d to end: %w", r.pid, ctx.Err())
	}
}

func awaitAll(ctx context.Context, what string, all []stat, is func(stat) (bool, error)) error {
	for _, s := range all {
		if err := await(ctx, func() (bool, error) { return is(s) }); err != nil {
			return fmt.Errorf("wait until process %d is %s: %w", s.pid, what, err)
		}
	}
	return nil
}

// await polls until it is so. When its time is over it looks a last time: a
// machine that stood still has not been looked at for as long.
func await(ctx context.Context, is func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if ok, err := is(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			if ok, err := is(); ok || err != nil {
				return err
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}
