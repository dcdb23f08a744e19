package leadership

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/reference/backoff"
)

// Singleton is work that runs on at most one replica at a time.
type Singleton interface {
	Name() string
	// Run works until ctx ends, and then returns soon. Its context carries
	// the lease. ErrTermLost ends the leadership for all its singletons; any
	// other error, or none, has it restarted while the leadership lasts.
	Run(ctx context.Context) error
}

// Guard runs singletons on the replica that holds their key.
type Guard struct {
	Elector    Elector
	Singletons map[string][]Singleton // by leadership key; those of one key are held together
	// Delay is how long to wait before a key is sought for the first time; nil
	// for not at all.
	Delay func(key string) time.Duration
	Log   *slog.Logger
	// Observe is told of each leadership won (held) and ended.
	Observe func(key string, term uint64, held bool)
}

// Run campaigns for every key until ctx ends, and returns when every singleton
// has ended and every leadership is given up.
func (g *Guard) Run(ctx context.Context) {
	var keys sync.WaitGroup
	for key, singletons := range g.Singletons {
		keys.Go(func() { g.campaign(ctx, key, singletons) })
	}
	keys.Wait()
}

func (g *Guard) campaign(ctx context.Context, key string, singletons []Singleton) {
	if g.Delay != nil && backoff.Sleep(ctx, g.Delay(key)) != nil {
		return
	}
	failures := 0
	for ctx.Err() == nil {
		held := false
		err := g.Elector.Hold(ctx, key, func(ctx context.Context) error {
			held = true
			return g.lead(ctx, singletons)
		})
		if ctx.Err() != nil {
			return
		}
		if held {
			failures = 0
		}
		g.Log.Warn("leadership sought again", "key", key, "held", held, "err", err)
		if backoff.Stores().Wait(ctx, failures) != nil {
			return
		}
		failures++
	}
}

// lead runs the singletons of a leadership until it ends or one of them finds
// it lost, and returns when all have ended.
func (g *Guard) lead(ctx context.Context, singletons []Singleton) error {
	lease, err := FromContext(ctx)
	if err != nil {
		return err
	}
	g.Observe(lease.Key, lease.Term, true)
	defer g.Observe(lease.Key, lease.Term, false)
	group, ctx := errgroup.WithContext(ctx)
	for _, s := range singletons {
		group.Go(func() error { return g.supervise(ctx, lease, s) })
	}
	g.Log.Info("leading", "key", lease.Key, "term", lease.Term)
	err = group.Wait()
	g.Log.Info("stopped leading", "key", lease.Key, "term", lease.Term, "err", err)
	return err
}

func (g *Guard) supervise(ctx context.Context, lease *Lease, s Singleton) error {
	for failures := 0; ; failures++ {
		err := s.Run(ctx)
		if errors.Is(err, ErrTermLost) {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		g.Log.Error("singleton ended, starting it again", "singleton", s.Name(), "term", lease.Term, "err", err)
		if backoff.Stores().Wait(ctx, failures) != nil {
			return nil
		}
	}
}
