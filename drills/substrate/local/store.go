package local

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

// lastWords is how much of a store's log goes into an error, in bytes.
const lastWords = 2 << 10

// store is a Postgres or a Redis.
type store struct {
	*process.Process
	addr    string
	access  stores.Access
	discard func() error // what is left to do after the end, may be nil
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
func (s *store) URL(addr string) string { return s.access.URL(addr) }

// Start starts the store on its data as they are and returns once it takes
// connections.
func (s *store) Start(ctx context.Context) error {
	ended, err := s.Launch(ctx)
	if err != nil {
		return err
	}
	if err := s.access.AwaitReady(ctx, s.addr, ended); err != nil {
		words, logErr := s.Said(lastWords)
		err = fmt.Errorf("start %s: %w; its last words:\n%s", s.Info().Name, err, strings.TrimSpace(words))
		return errors.Join(err, logErr)
	}
	return nil
}

func (s *store) close(ctx context.Context) error {
	err := s.Close(ctx)
	if s.discard != nil {
		err = errors.Join(err, s.discard())
	}
	return err
}
