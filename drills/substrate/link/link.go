package link

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

var (
	// ErrRebuilt says that the proxy of a link hung and was replaced by a
	// healthy one on the same address. What its peers saw is unknown.
	ErrRebuilt = errors.New("the proxy hung and was rebuilt")
	// ErrClosed says that the link has been closed.
	ErrClosed = errors.New("link is closed")
)

// Config says where a link runs.
type Config struct {
	From, To string // names of its ends
	Listen   string // host:port to listen on; port 0 picks one
	Upstream string // host:port of the dependency
}

// Link is a proxy between a replica and a dependency. It is safe for
// concurrent use.
type Link struct {
	config Config
	addr   string

	mu     sync.Mutex
	proxy  *proxy
	closed bool
	holes  uint64 // black holes so far
}

var _ drills.Link = (*Link)(nil)

// Open starts a healthy link. The upstream need not run yet.
func Open(ctx context.Context, c Config) (*Link, error) {
	l := &Link{config: c}
	p, err := newProxy(l.String(), c.Listen, c.Upstream)
	if err != nil {
		return nil, fmt.Errorf("open link %s: %w", l, err)
	}
	if err := p.start(ctx); err != nil {
		// A start that outlived its deadline may still come about.
		return nil, fmt.Errorf("open link %s: %w", l, errors.Join(err, p.end(context.WithoutCancel(ctx))))
	}
	l.proxy, l.addr = p, p.toxi.Listen
	return l, nil
}

func (l *Link) String() string { return l.config.From + "->" + l.config.To }

// Ends are the names of the replica and of its dependency.
func (l *Link) Ends() (from, to string) { return l.config.From, l.config.To }

// Addr is the host:port that the depending side dials. It never changes.
func (l *Link) Addr() string { return l.addr }

// Degrade makes the link bad in one more way. It returns once every byte that
// comes in from then on is treated so. [ErrRebuilt] means that the outcome is
// unknown; [drills.ErrUnsupported] that the link knows no such degradation.
func (l *Link) Degrade(ctx context.Context, d drills.Degradation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.degrade(ctx, d); err != nil {
		return fmt.Errorf("degrade link %s (%s): %w", l, d.Kind, err)
	}
	return nil
}

func (l *Link) degrade(ctx context.Context, d drills.Degradation) error {
	if l.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.Kind == drills.Refuse {
		return l.orRebuild(ctx, l.proxy.stop(ctx))
	}
	lanes, err := l.lanes(d.Direction)
	if err != nil {
		return err
	}
	change, err := l.condition(d)
	if err != nil {
		return err
	}
	for _, lane := range lanes {
		lane.change(change)
	}
	return nil
}

func (l *Link) lanes(d drills.Direction) ([]*lane, error) {
	switch d {
	case drills.Both:
		return []*lane{l.proxy.requests, l.proxy.replies}, nil
	case drills.Requests:
		return []*lane{l.proxy.requests}, nil
	case drills.Replies:
		return []*lane{l.proxy.replies}, nil
	}
	return nil, fmt.Errorf("direction %q: %w", d, drills.ErrUnsupported)
}

func (l *Link) condition(d drills.Degradation) (func(*condition), error) {
	switch d.Kind {
	case drills.BlackHole:
		l.holes++
		hole := l.holes
		return func(c *condition) {
			if c.hole == 0 {
				c.hole = hole
			}
		}, nil
	case drills.Latency:
		if d.Delay < 0 || d.Jitter < 0 || d.Delay+d.Jitter == 0 {
			return nil, fmt.Errorf("delay %v and jitter %v: must not be negative, nor both zero", d.Delay, d.Jitter)
		}
		return func(c *condition) { c.delay, c.jitter = d.Delay, d.Jitter }, nil
	}
	return nil, drills.ErrUnsupported
}

// Heal ends every degradation. Connections that lived through a black hole
// are closed. Healing a healthy link does nothing. [ErrRebuilt] means that
// the link is healthy, but only after its proxy was replaced.
func (l *Link) Heal(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("heal link %s: %w", l, ErrClosed)
	}
	l.proxy.change(func(c *condition) { *c = condition{cuts: c.cuts} })
	if err := l.orRebuild(ctx, l.proxy.start(ctx)); err != nil {
		return fmt.Errorf("heal link %s: %w", l, err)
	}
	return nil
}

// orRebuild replaces the proxy if err says that it hangs.
func (l *Link) orRebuild(ctx context.Context, err error) error {
	if !errors.Is(err, errStuck) {
		return err
	}
	if failed := l.rebuild(context.WithoutCancel(ctx)); failed != nil {
		return fmt.Errorf("%w, and cannot be rebuilt: %w", err, failed)
	}
	return fmt.Errorf("%w: %w", ErrRebuilt, err)
}

// rebuild puts a healthy proxy in the place of one that hangs. The old one has
// been told to stop: it gives up its listener first, and what it waits for
// after that is no longer of interest.
func (l *Link) rebuild(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l.proxy.change(func(c *condition) { c.shut = true })
	fresh, err := newProxy(l.String(), l.addr, l.config.Upstream)
	if err != nil {
		return err
	}
	l.proxy = fresh
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		if err = fresh.start(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-again.C:
		}
	}
}

// Close ends the link and every connection on it. It is safe to call twice.
func (l *Link) Close(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if err := l.proxy.end(ctx); err != nil {
		return fmt.Errorf("close link %s: %w", l, err)
	}
	return nil
}
