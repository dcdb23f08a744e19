// Package scope keeps account of what one substrate has started, so that all of
// it ends with the substrate, however it is closed.
//
// # Invariants
//
//   - What a call keeps before it returns is ended by Close, and nothing can be
//     kept after Close has begun to end things: Close waits for the calls that
//     are under way, which it interrupts.
//   - A name is given once.
//   - Close ends everything even if its context is done, within its bound.
package scope

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// Scope is what has been started. It is safe for concurrent use.
type Scope struct {
	bound time.Duration

	life context.Context // ends when Close begins
	end  context.CancelFunc

	mu      sync.Mutex
	names   map[string]bool
	closers []func(context.Context) error
	closed  bool
	pending sync.WaitGroup // calls that may still add to closers

	once sync.Once
	err  error // what Close said
}

// New gives an empty scope, whose Close takes no longer than the bound.
func New(ctx context.Context, bound time.Duration) *Scope {
	s := &Scope{bound: bound, names: map[string]bool{}}
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// fitName keeps names usable as names of files and hosts.
var fitName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Enter begins a call that starts something. Close interrupts the call, with
// drills.ErrClosed, and waits for done.
func (s *Scope) Enter(ctx context.Context) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enter(ctx)
}

// EnterAs is Enter for what has a name.
func (s *Scope) EnterAs(ctx context.Context, name string) (_ context.Context, done func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !fitName.MatchString(name):
		return nil, nil, fmt.Errorf("name %q: use letters, digits, dots and dashes", name)
	case s.names[name]:
		return nil, nil, fmt.Errorf("name %q is taken", name)
	}
	ctx, done, err = s.enter(ctx)
	if err == nil {
		s.names[name] = true
	}
	return ctx, done, err
}

// enter needs the lock.
func (s *Scope) enter(ctx context.Context) (_ context.Context, done func(), err error) {
	if s.closed {
		return nil, nil, drills.ErrClosed
	}
	s.pending.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(s.life, func() { cancel(drills.ErrClosed) })
	return ctx, func() { unhook(); cancel(nil); s.pending.Done() }, nil
}

// Keep has Close end what has been started.
func (s *Scope) Keep(end func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closers = append(s.closers, end)
}

// Close ends everything at the same time, then calls the last ones in turn. It
// is safe to call twice.
func (s *Scope) Close(ctx context.Context, last ...func(context.Context) error) error {
	s.once.Do(func() { s.err = s.close(context.WithoutCancel(ctx), last) })
	return s.err
}

func (s *Scope) close(ctx context.Context, last []func(context.Context) error) error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.pending.Wait()

	ctx, cancel := context.WithTimeout(ctx, s.bound)
	defer cancel()
	errs := make([]error, len(s.closers), len(s.closers)+len(last))
	var all sync.WaitGroup
	for i, end := range s.closers {
		all.Go(func() { errs[i] = end(ctx) })
	}
	all.Wait()
	for _, end := range last {
		errs = append(errs, end(ctx))
	}
	return errors.Join(errs...)
}
