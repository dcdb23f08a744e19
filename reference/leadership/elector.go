package leadership

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/reference/postgres"
)

// Elector gives leaderships to replicas, each to one at a time.
type Elector interface {
	// Hold waits until this replica holds key, then runs lead with a context
	// that carries the lease and ends with the leadership. It returns once
	// lead has returned and the leadership is given up, with the reason.
	Hold(ctx context.Context, key string, lead func(context.Context) error) error
}

// Sessions is the Elector over session locks of Postgres.
type Sessions struct {
	postgres postgres.Options
	holder   string
}

var _ Elector = (*Sessions)(nil)

// NewSessions returns an elector that campaigns under the name holder. Each
// session is named after the replica and the key in pg_stat_activity:
// "<options' name>/leadership/<key>".
func NewSessions(o postgres.Options, holder string) *Sessions {
	return &Sessions{postgres: o, holder: holder}
}

// Hold implements Elector.
func (e *Sessions) Hold(ctx context.Context, key string, lead func(context.Context) error) error {
	o := e.postgres
	o.Name += "/leadership/" + key
	s, err := openSession(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.lock(ctx, key); err != nil {
		return fmt.Errorf("wait for leadership %s: %w", key, err)
	}
	term, sent, err := s.raiseTerm(ctx, key, e.holder)
	if err != nil {
		return fmt.Errorf("raise term of %s: %w", key, err)
	}
	valid := &validity{until: sent.Add(e.postgres.TTL / 2)}
	lease := NewLease(key, term, valid.check)
	return during(ctx, lease, lead, func(ctx context.Context) error { return s.keep(ctx, sent, valid) })
}

// errLeadEnded ends keep when the work done as the holder has ended first.
var errLeadEnded = errors.New("the holder has stopped")

// during runs lead for as long as keep runs, and the other way round. It
// returns when both have ended.
func during(ctx context.Context, l *Lease, lead, keep func(context.Context) error) error {
	leading, stopLeading := context.WithCancelCause(WithLease(ctx, l))
	keeping, stopKeeping := context.WithCancelCause(ctx)
	led := make(chan error, 1)
	go func() {
		err := lead(leading)
		stopKeeping(errLeadEnded)
		led <- err
	}()
	kept := keep(keeping)
	if errors.Is(kept, errLeadEnded) {
		kept = nil
	}
	stopLeading(fmt.Errorf("%s, term %d: %w", l.Key, l.Term, errors.Join(ErrTermLost, kept)))
	return errors.Join(kept, <-led)
}
