package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// interruption is a signal on which drills are ended, healed and told.
type interruption struct{ signal os.Signal }

func (i *interruption) Error() string {
	switch i.signal {
	case os.Interrupt:
		return "interrupted by Ctrl-C"
	case syscall.SIGHUP:
		return "interrupted by SIGHUP: its terminal or session is gone"
	}
	return "interrupted by SIGTERM"
}

// heed returns a context that ends with the first signal that asks drillrun to
// end; its cause is an *interruption. A second Ctrl-C or SIGTERM ends the program
// at once. A second SIGHUP does not: a terminal that goes away often sends two.
//
// A pipe that nobody reads any more is no reason to end in the middle of a drill:
// SIGPIPE is taken and forgotten, and the write fails. Ignoring it would be handed
// down to every process that is drilled.
func heed(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	asked, pipes := make(chan os.Signal, 4), make(chan os.Signal, 1)
	signal.Notify(asked, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as under nohup
		signal.Notify(asked, syscall.SIGHUP)
	}
	signal.Notify(pipes, syscall.SIGPIPE)
	go func() {
		select {
		case s := <-asked:
			cancel(&interruption{s})
			signal.Reset(os.Interrupt, syscall.SIGTERM)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		signal.Stop(asked)
		signal.Stop(pipes)
	}
}

// grace is how long a command that has nothing to heal may take to end by itself.
const grace = 300 * time.Millisecond

// work is what a command has begun, and must not be left in the middle of.
type work struct {
	mu    sync.Mutex
	begun bool
	over  bool // the program is about to end
}

type workKey struct{}

// begin says that from now on there may be something to heal. Its error is that
// of a command which has been interrupted already.
func begin(ctx context.Context) error {
	if w, ok := ctx.Value(workKey{}).(*work); ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.over && ctx.Err() == nil {
			w.begun = true
		}
	}
	return context.Cause(ctx)
}

// abandon says whether the program may end at once: nothing has been begun, and
// nothing will be.
func (w *work) abandon() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = !w.begun
	return w.over
}

// follow runs a command to its end. One that was interrupted before it began
// anything is left where it is, whatever it waits for: a file may be a pipe that
// nobody writes to.
func follow(ctx context.Context, command func(context.Context) error) error {
	w := &work{}
	done := make(chan error, 1)
	go func() { done <- command(context.WithValue(ctx, workKey{}, w)) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	if w.abandon() {
		return &exitError{exitInterrupted, context.Cause(ctx)}
	}
	return <-done
}
