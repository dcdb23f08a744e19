package scope

import (
	"context"
	"errors"
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// Closer is what a group closes. Its Close removes it from the group.
type Closer interface {
	Close(ctx context.Context) error
}

// Group is the substrates of one harness that are open. Its zero value is empty,
// and it is safe for concurrent use.
type Group struct {
	mu     sync.Mutex
	open   map[Closer]bool
	closed bool
}

// Add has Close close it too. What comes too late is closed at once.
func (g *Group) Add(ctx context.Context, c Closer) error {
	g.mu.Lock()
	if !g.closed {
		if g.open == nil {
			g.open = map[Closer]bool{}
		}
		g.open[c] = true
		g.mu.Unlock()
		return nil
	}
	g.mu.Unlock()
	return errors.Join(drills.ErrClosed, c.Close(ctx))
}

// Remove forgets what has been closed.
func (g *Group) Remove(c Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.open, c)
}

// Closed says whether Close has begun.
func (g *Group) Closed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// Close closes what is open. Only the first call does, and says so.
func (g *Group) Close(ctx context.Context) (first bool, err error) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false, nil
	}
	g.closed = true
	left := make([]Closer, 0, len(g.open))
	for c := range g.open {
		left = append(left, c)
	}
	g.mu.Unlock()

	var errs []error
	for _, c := range left {
		errs = append(errs, c.Close(ctx))
	}
	return true, errors.Join(errs...)
}
