// Package stores says how Postgres and Redis are set up and spoken to in a
// drill, wherever they run.
package stores

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"
)

const (
	// readiness is how long a store may take to accept connections, recovery
	// after a crash included.
	readiness = 30 * time.Second
	// knock is the pause between two attempts to connect, and attempt how
	// long one may take.
	knock   = 10 * time.Millisecond
	attempt = time.Second
)

// Access is how a store is reached by those who know its password.
type Access struct {
	// URL is what a client dials that reaches the store at addr.
	URL func(addr string) string
	// Connect is one attempt at a conversation.
	Connect func(ctx context.Context, addr string) error
}

// NewPassword is one that needs no quoting anywhere.
func NewPassword() string { return rand.Text() }

var errEnded = errors.New("it ended before it was ready")

// AwaitReady returns once the store at addr takes connections, or has ended.
func (a Access) AwaitReady(ctx context.Context, addr string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	next := time.NewTicker(knock)
	defer next.Stop()
	for {
		err := a.try(ctx, addr)
		if err == nil {
			return nil
		}
		select {
		case <-next.C:
		case <-ended:
			return errEnded
		case <-ctx.Done():
			return fmt.Errorf("%w, and it was not ready: %w", context.Cause(ctx), err)
		}
	}
}

func (a Access) try(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return a.Connect(ctx, addr)
}
