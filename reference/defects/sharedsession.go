package defects

import (
	"context"
	"sync"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
)

func sharedSession() Defect {
	return Defect{
		Name:      "shared-session",
		Wrong:     "one session serves all leadership keys of a replica, and giving up one gives up all",
		Origin:    cloudReview,
		Symptom:   "when one leadership is lost, others change hands as well",
		Gate:      "elections",
		Scenarios: []string{"one-key-lost"},
		Break: func(c controlplane.Config, d controlplane.Deps, p *controlplane.Parts) {
			elect((&shared{}).open)(c, d, p)
		},
	}
}

// shared is the one session of a replica. The steps of its keys take turns.
type shared struct {
	mu  sync.Mutex
	all *session // nil where there is none now
}

func (s *shared) open(ctx context.Context, o postgres.Options) (leadership.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		opened, err := openSession(ctx, o, dropped(o))
		if err != nil {
			return nil, err
		}
		s.all = opened
	}
	return &sharer{shared: s, session: s.all}, nil
}

// sharer is the session as one key uses it.
type sharer struct {
	shared  *shared
	session *session
}

// Lock asks again and again: a wait would keep the other keys waiting, too.
func (s *sharer) Lock(ctx context.Context, key string) error {
	for {
		held := false
		err := s.turn(func() (err error) {
			held, err = s.session.tryLock(context.WithoutCancel(ctx), key)
			return err
		})
		if err != nil || held {
			return err
		}
		if err := backoff.Sleep(ctx, s.session.ttl/40); err != nil {
			return err
		}
	}
}

func (s *sharer) RaiseTerm(ctx context.Context, key, holder string) (term uint64, sent time.Time, err error) {
	err = s.turn(func() (err error) {
		term, sent, err = s.session.RaiseTerm(context.WithoutCancel(ctx), key, holder)
		return err
	})
	return term, sent, err
}

// Keep pings, when it is this key's turn.
func (s *sharer) Keep(ctx context.Context, _ time.Time, answered func(time.Time)) error {
	return beat(ctx, s.session.ttl, func() error {
		return s.turn(func() error {
			sent := time.Now()
			err := s.session.ping(context.WithoutCancel(ctx), s.session.ttl/4)
			if err == nil {
				answered(sent)
			}
			return err
		})
	})
}

// turn does one step while no other key does any.
func (s *sharer) turn(step func() error) error {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	return step()
}

// Close ends the session, whoever else uses it.
func (s *sharer) Close() {
	s.shared.mu.Lock()
	defer s.shared.mu.Unlock()
	s.session.Close()
	if s.shared.all == s.session {
		s.shared.all = nil
	}
}
