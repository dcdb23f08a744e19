package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// ErrClosed says that the link has been closed.
var ErrClosed = errors.New("link is closed")

// Config says where a link runs.
type Config struct {
	From, To string // names of its ends
	Listen   string // host:port to listen on; port 0 picks one
	Upstream string // host:port of the dependency
	// ListenWith and DialWith are for networks other than the harness's own; nil
	// is that.
	ListenWith func(ctx context.Context, addr string) (net.Listener, error)
	DialWith   func(ctx context.Context, addr string) (net.Conn, error)
}

// Link is a proxy between a replica and a dependency. It is safe for
// concurrent use.
type Link struct {
	config  Config
	addr    string
	trouble trouble

	proxy *proxy

	mu     sync.Mutex
	closed bool
}

var _ drills.Link = (*Link)(nil)

// Open starts a healthy link. The upstream need not run yet.
func Open(ctx context.Context, c Config) (*Link, error) {
	l := &Link{config: c}
	p, err := newProxy(l.String(), c, &l.trouble)
	if err != nil {
		return nil, fmt.Errorf("open link %s: %w", l, err)
	}
	if err := p.start(ctx); err != nil {
		return nil, fmt.Errorf("open link %s: %w", l, err)
	}
	l.proxy, l.addr = p, p.addr
	return l, nil
}

func (l *Link) String() string { return l.config.From + "->" + l.config.To }

// Ends are the names of the replica and of its dependency.
func (l *Link) Ends() (from, to string) { return l.config.From, l.config.To }

// Addr is the host:port that the depending side dials. It never changes.
func (l *Link) Addr() string { return l.addr }

// Degrade makes the link bad in one more way. It returns once every byte that
// comes in from then on is treated so. [drills.ErrUnsupported] means that the
// link knows no such degradation.
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
	switch d.Kind {
	case drills.Refuse:
		return l.proxy.stop()
	case drills.Reset:
		l.proxy.reset(true)
		return nil
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
		return func(c *condition) { c.hole = true }, nil
	case drills.Stall:
		open := l.proxy.opened()
		return func(c *condition) { c.stalled = open }, nil
	case drills.Latency:
		if d.Delay < 0 || d.Jitter < 0 || d.Delay+d.Jitter == 0 {
			return nil, fmt.Errorf("delay %v and jitter %v: must not be negative, nor both zero", d.Delay, d.Jitter)
		}
		return func(c *condition) { c.delay, c.jitter = d.Delay, d.Jitter }, nil
	case drills.Bandwidth:
		if d.Rate <= 0 {
			return nil, fmt.Errorf("rate %d: must be positive", d.Rate)
		}
		return func(c *condition) { c.rate = d.Rate }, nil
	case drills.Slice:
		if d.Size <= 0 || d.Delay <= 0 {
			return nil, fmt.Errorf("size %d and delay %v: must both be positive", d.Size, d.Delay)
		}
		return func(c *condition) { c.size, c.apart = d.Size, d.Delay }, nil
	case drills.Limit:
		if d.Bytes <= 0 {
			return nil, fmt.Errorf("limit of %d bytes: must be positive", d.Bytes)
		}
		return func(c *condition) { c.limit = d.Bytes }, nil
	}
	return nil, drills.ErrUnsupported
}

// Heal ends every degradation. Connections that lived through a black hole or
// a stall are closed. Healing a healthy link does nothing.
func (l *Link) Heal(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("heal link %s: %w", l, ErrClosed)
	}
	l.proxy.change(func(c *condition) { *c = condition{heals: c.heals + 1} })
	if err := l.proxy.start(ctx); err != nil {
		return fmt.Errorf("heal link %s: %w", l, err)
	}
	return nil
}

// Close ends the link and every connection on it. It is safe to call twice.
func (l *Link) Close(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if err := l.proxy.stop(); err != nil {
		return fmt.Errorf("close link %s: %w", l, err)
	}
	return nil
}
