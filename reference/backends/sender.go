package backends

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/resilience"
)

const (
	maxChanges   = 1024
	maxDurations = 1000 // of each series
	batch        = 256  // durations in one request
	rest         = 100 * time.Millisecond
	lastMoments  = time.Second // for what is left when the replica ends
)

// What durations are of.
const (
	refused = "refused"
	called  = "call"
)

// series are the durations of one kind at one backend.
type series struct {
	what    string
	backend Name
}

// sender holds what is to be reported, and reports it from one goroutine.
type sender struct {
	replica  string
	reporter effects.Reporter
	meter    Meter
	metrics  *metrics.Set
	log      *slog.Logger
	hurry    chan struct{} // a change, or a whole batch

	mu        sync.Mutex
	number    int64 // of the latest change; begins with the time, so that a restart repeats none
	changes   []effects.Effect
	durations map[series][]time.Duration
}

func newSender(c Config) *sender {
	return &sender{
		replica: c.Replica, reporter: c.Reporter, meter: c.Meter, metrics: c.Metrics, log: c.Log,
		hurry: make(chan struct{}, 1), number: time.Now().UnixMicro(), durations: make(map[series][]time.Duration),
	}
}

// changed queues the report of a breaker's new state.
func (s *sender) changed(backend Name, to resilience.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) == maxChanges {
		s.metrics.Dropped("changes", 1)
		return
	}
	s.number++
	subject := fmt.Sprintf("breaker/%s/%s", backend, to)
	s.changes = append(s.changes, effects.Effect{
		Subject: subject, Key: fmt.Sprintf("%s/%s/%d", subject, s.replica, s.number), Kind: effects.Record,
	})
	s.wake()
}

// measured adds one duration to its series.
func (s *sender) measured(of series, took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.durations[of]) == maxDurations {
		s.metrics.Dropped("durations", 1)
		return
	}
	s.durations[of] = append(s.durations[of], took)
	if len(s.durations[of]) == batch {
		s.wake()
	}
}

func (s *sender) wake() {
	select {
	case s.hurry <- struct{}{}:
	default: // it will look at all there is
	}
}

// run sends until ctx ends. A request that is under way then is not broken off:
// it would have to be sent again, and might arrive twice.
func (s *sender) run(ctx context.Context) {
	sending, cancel := outlive(ctx, lastMoments)
	defer cancel()
	ticks := time.NewTicker(rest)
	defer ticks.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-s.hurry:
		case <-ticks.C:
		}
		s.send(sending)
	}
	s.send(sending)
	s.abandon()
}

// outlive returns a context that ends some time after ctx.
func outlive(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		defer cancel()
		_ = backoff.Sleep(longer, by) // less where longer ends first
	})
	return longer, func() { stop(); cancel() }
}

// send sends all changes, and of each series as much as there was to begin with.
func (s *sender) send(ctx context.Context) {
	s.sendChanges(ctx)
	for of, due := range s.due() {
		for ; due > 0 && ctx.Err() == nil; due -= batch {
			s.sendDurations(ctx, of, min(due, batch))
			s.sendChanges(ctx)
		}
	}
}

// due is how many durations of each series there are.
func (s *sender) due() map[series]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := make(map[series]int, len(s.durations))
	for of, took := range s.durations {
		due[of] = len(took)
	}
	return due
}

// sendChanges sends one change after the other until none is left or ctx ends.
func (s *sender) sendChanges(ctx context.Context) {
	for {
		first, ok := s.firstChange()
		if !ok || !s.deliver(ctx, "changes", 1, func(ctx context.Context) error {
			_, err := s.reporter.Report(ctx, first)
			return err
		}) {
			return
		}
		s.mu.Lock()
		s.changes = slices.Delete(s.changes, 0, 1)
		s.mu.Unlock()
	}
}

func (s *sender) firstChange() (first effects.Effect, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.changes) == 0 {
		return effects.Effect{}, false
	}
	return s.changes[0], true
}

// sendDurations sends the first n of a series.
func (s *sender) sendDurations(ctx context.Context, of series, n int) {
	s.mu.Lock()
	took := slices.Clone(s.durations[of][:n])
	s.mu.Unlock()
	if !s.deliver(ctx, "durations", n, func(ctx context.Context) error {
		return s.meter.Measured(ctx, effects.Durations{What: of.what, Subject: string(of.backend), Took: took})
	}) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.durations[of] = slices.Delete(s.durations[of], 0, n)
}

// deliver calls f until it succeeds or can not, which is a drop of n. It is
// false when ctx has ended before that.
func (s *sender) deliver(ctx context.Context, what string, n int, f func(context.Context) error) bool {
	err := backoff.Stores().Retry(ctx, effects.Temporary, func(ctx context.Context) error {
		err := f(ctx)
		if effects.Temporary(err) && ctx.Err() == nil {
			s.metrics.Failure("backends")
			s.log.Warn("reporting failed, trying again", "what", what, "err", err)
		}
		return err
	})
	switch {
	case err == nil:
		return true
	case effects.Temporary(err):
		return false
	}
	s.metrics.Dropped(what, n)
	s.log.Warn("the receiver refuses a report", "what", what, "err", err)
	return true
}

// abandon counts what could not be sent any more.
func (s *sender) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	durations := 0
	for _, took := range s.durations {
		durations += len(took)
	}
	if len(s.changes)+durations == 0 {
		return
	}
	s.metrics.Dropped("changes", len(s.changes))
	s.metrics.Dropped("durations", durations)
	s.log.Warn("reports are left at the end", "changes", len(s.changes), "durations", durations)
	s.changes = nil
	clear(s.durations)
}
