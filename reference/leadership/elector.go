package leadership

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/postgres"
)

// Elector gives leaderships to replicas, each to one at a time.
type Elector interface {
	// Hold waits until this replica holds key, then runs lead with a context
	// that carries the lease and ends with the leadership. It returns once
	// lead has returned and the leadership is given up, with the reason.
	Hold(ctx context.Context, key string, lead func(context.Context) error) error
}

// Session is what one leadership is sought and held on.
type Session interface {
	// Lock waits until the session holds the lock of that key.
	Lock(ctx context.Context, key string) error
	// RaiseTerm makes the lock a leadership. It returns the new term and when
	// the request for it was sent.
	RaiseTerm(ctx context.Context, key, holder string) (term uint64, sent time.Time, err error)
	// Keep holds the leadership until ctx ends, the session breaks or an
	// answer stays away for ttl/2. It tells of each request that was answered
	// when that had been sent.
	Keep(ctx context.Context, sent time.Time, answered func(sent time.Time)) error
	// Close ends the session, and with it all that it holds.
	Close()
}

// Open opens a session under the options' name.
type Open func(ctx context.Context, o postgres.Options) (Session, error)

// Sessions is the Elector over session locks of Postgres.
type Sessions struct {
	open     Open
	postgres postgres.Options
	holder   string
}

var _ Elector = (*Sessions)(nil)

// NewSessions returns an elector that campaigns under the name holder. Each
// session is named after the replica and the key in pg_stat_activity:
// "<options' name>/leadership/<key>".
func NewSessions(o postgres.Options, holder string) *Sessions {
	return NewSessionsBy(OpenSession, o, holder)
}

// NewSessionsBy returns an elector whose sessions are opened by open.
func NewSessionsBy(open Open, o postgres.Options, holder string) *Sessions {
	return &Sessions{open: open, postgres: o, holder: holder}
}

// Hold implements Elector.
func (e *Sessions) Hold(ctx context.Context, key string, lead func(context.Context) error) error {
	o := e.postgres
	o.Name += "/leadership/" + key
	s, err := e.open(ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Lock(ctx, key); err != nil {
		return fmt.Errorf("wait for leadership %s: %w", key, err)
	}
	term, sent, err := s.RaiseTerm(ctx, key, e.holder)
	if err != nil {
		return fmt.Errorf("raise term of %s: %w", key, err)
	}
	var valid validity
	answered := func(sent time.Time) { valid.set(sent.Add(e.postgres.TTL / 2)) }
	answered(sent)
	lease := NewLease(key, term, valid.check)
	return during(ctx, lease, lead, func(ctx context.Context) error { return s.Keep(ctx, sent, answered) })
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
