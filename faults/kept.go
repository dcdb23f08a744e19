package faults

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// kept is a fault of links that tells connections open before it from new
// ones: it keeps one open on each link.
type kept struct {
	degraded
	open map[string]net.Conn // by link, from Plan to Recover
}

// Plan also opens the connections. Each is used once: a link may take a
// connection later than its client believes.
func (f *kept) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	undo, err := f.degraded.Plan(ctx, t)
	if err != nil {
		return drills.Undo{}, err
	}
	f.open = map[string]net.Conn{}
	for _, c := range f.cut {
		conn, err := dial(ctx, c.Addr())
		if err != nil {
			return drills.Undo{}, errors.Join(err, f.close())
		}
		f.open[c.String()] = conn
		if err := ask(conn, question(c.role())); err != nil {
			return drills.Undo{}, errors.Join(err, f.close())
		}
	}
	return undo, nil
}

// askAgain asks on the connection of a link that was open before.
func (f *kept) askAgain(c cut, limit time.Duration) error {
	conn := f.open[c.String()]
	if err := conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	return ask(conn, secondQuestion(c.role()))
}

func (f *kept) close() error {
	var errs []error
	for link, conn := range f.open {
		errs = append(errs, conn.Close())
		delete(f.open, link)
	}
	return errors.Join(errs...)
}

// Recover also closes the connections that were kept open.
func (f *kept) Recover(ctx context.Context) error {
	return errors.Join(f.close(), f.degraded.Recover(ctx))
}
