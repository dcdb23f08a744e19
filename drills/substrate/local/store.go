package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

const (
	// readiness is how long a store may take to accept connections, recovery
	// after a crash included.
	readiness = 30 * time.Second
	// knock is the pause between two attempts to connect, and attempt how
	// long one may take.
	knock   = 10 * time.Millisecond
	attempt = time.Second
	// lastWords is how much of a store's log goes into an error, in bytes.
	lastWords = 2 << 10
)

// store is a Postgres or a Redis.
type store struct {
	*process.Process
	addr    string
	url     func(addr string) string
	connect func(ctx context.Context) error // one attempt at a conversation
	discard func() error                    // what is left to do after the end, may be nil
}

var (
	_ drills.Store      = (*store)(nil)
	_ drills.Pauser     = (*store)(nil)
	_ drills.Terminator = (*store)(nil)
	_ drills.Exiter     = (*store)(nil)
)

// Addr is the host:port it listens on.
func (s *store) Addr() string { return s.addr }

// URL is what a client dials that reaches the store at addr.
func (s *store) URL(addr string) string { return s.url(addr) }

// Start starts the store on its data as they are and returns once it takes
// connections.
func (s *store) Start(ctx context.Context) error {
	ended, err := s.Launch(ctx)
	if err != nil {
		return err
	}
	if err := s.awaitReady(ctx, ended); err != nil {
		words, logErr := s.Said(lastWords)
		err = fmt.Errorf("start %s: %w; its last words:\n%s", s.Info().Name, err, strings.TrimSpace(words))
		return errors.Join(err, logErr)
	}
	return nil
}

var errEnded = errors.New("it ended before it was ready")

func (s *store) awaitReady(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, readiness)
	defer cancel()
	next := time.NewTicker(knock)
	defer next.Stop()
	for {
		err := s.try(ctx)
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

func (s *store) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	return s.connect(ctx)
}

func (s *store) close(ctx context.Context) error {
	err := s.Close(ctx)
	if s.discard != nil {
		err = errors.Join(err, s.discard())
	}
	return err
}
