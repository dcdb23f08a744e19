package leadership

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

var (
	// ErrTermLost says that the leadership has ended: superseded, expired or
	// given up. Whoever gets it stops acting as the holder.
	ErrTermLost = errors.New("term lost")
	// ErrNotHolder says that an owned write was tried in a context without a
	// lease.
	ErrNotHolder = errors.New("not the holder of a leadership")
)

// Lease is one holder's leadership: a key, a term, and whether it still holds.
// It travels in the context of the work done as the holder.
type Lease struct {
	Key   string
	Term  uint64
	check func() error
}

// NewLease returns a lease that holds for as long as check returns nil.
func NewLease(key string, term uint64, check func() error) *Lease {
	return &Lease{Key: key, Term: term, check: check}
}

// Check returns ErrTermLost once the lease has expired. It asks nobody, so it
// is called before each effect; what passes it late is caught by the term.
func (l *Lease) Check() error {
	if err := l.check(); err != nil {
		return fmt.Errorf("%s, term %d: %w", l.Key, l.Term, err)
	}
	return nil
}

type leaseKey struct{}

// WithLease returns a context for work done as the holder of l.
func WithLease(ctx context.Context, l *Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, l)
}

// FromContext returns the lease under which ctx acts, or ErrNotHolder.
func FromContext(ctx context.Context) (*Lease, error) {
	l, ok := ctx.Value(leaseKey{}).(*Lease)
	if !ok {
		return nil, ErrNotHolder
	}
	return l, nil
}

// Check returns ErrTermLost or ErrNotHolder where ctx no longer acts as a
// holder.
func Check(ctx context.Context) error {
	l, err := FromContext(ctx)
	if err != nil {
		return err
	}
	return l.Check()
}

// validity is the time up to which a lease is valid. It moves with each
// answered request.
type validity struct {
	mu    sync.Mutex
	until time.Time
}

func (v *validity) set(t time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.until = t
}

func (v *validity) check() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !time.Now().Before(v.until) {
		return ErrTermLost
	}
	return nil
}
