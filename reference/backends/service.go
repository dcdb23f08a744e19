package backends

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/resilience"
)

// service is one backend, and what stands before it.
type service struct {
	name     Name
	retry    resilience.Retry
	bulkhead resilience.Bulkhead
	breaker  resilience.Breaker
	client   *effects.Client

	sender  *sender
	metrics *metrics.Set
	log     *slog.Logger
}

func newService(c Config, name Name, p Profile, sender *sender) *service {
	limit := c.Short
	if p.Long {
		limit = c.Long
	}
	s := &service{
		name: name, retry: once{}, bulkhead: unbounded{}, client: effects.NewClient(c.URLs[name], c.Token, limit),
		sender: sender, metrics: c.Metrics, log: c.Log,
	}
	s.breaker = c.Parts.Breaker(resilience.BreakerConfig{
		Name: string(name), Failures: p.Failures, Successes: successes, Reset: c.Reset, Judge: judge, Changed: s.changed,
	})
	if p.Slots > 0 {
		s.bulkhead = c.Parts.Bulkhead(resilience.BulkheadConfig{Name: string(name), Slots: p.Slots, Wait: c.Wait})
	}
	if p.Retried {
		s.retry = c.Parts.Retry(resilience.RetryConfig{
			Name: string(name), Attempts: c.Attempts, Backoff: c.Backoff, Jitter: backoff.Full, Temporary: effects.Temporary,
		})
	}
	s.metrics.Breaker(string(name), string(s.breaker.State()))
	return s
}

// call sends e through all that stands before the backend. reached says
// whether it has gone out at all.
func (s *service) call(ctx context.Context, e effects.Effect) (outcome effects.Outcome, reached bool, err error) {
	err = s.retry.Do(ctx, func(ctx context.Context, attempt int) error {
		if attempt > 0 {
			e.Attempt = attempt
		}
		return s.bulkhead.Do(ctx, func(ctx context.Context) error {
			return s.breaker.Do(ctx, func(ctx context.Context) error {
				reached = true
				o, err := s.client.Report(ctx, e)
				if err != nil {
					return fmt.Errorf("%s: %w", s.name, err)
				}
				outcome = o
				return nil
			})
		})
	})
	return outcome, reached, err
}

// judge says what the error of a call shows about its backend.
func judge(ctx context.Context, err error) resilience.Verdict {
	switch {
	case err == nil, errors.Is(err, effects.ErrStale), errors.Is(err, effects.ErrRefused):
		return resilience.Healthy
	case ctx.Err() != nil:
		return resilience.Silent
	}
	return resilience.Failing
}

// changed makes a change of the breaker known. The gauge shows the state of
// now, which may be a later one.
func (s *service) changed(c resilience.Change) {
	s.log.Warn("breaker changed", "backend", s.name, "from", c.From, "to", c.To)
	s.metrics.Changed(string(s.name), string(c.To))
	s.metrics.Breaker(string(s.name), string(s.breaker.State()))
	s.sender.changed(s.name, c.To)
}

// unbounded is the bulkhead of a backend without one.
type unbounded struct{}

// Do implements resilience.Bulkhead.
func (unbounded) Do(ctx context.Context, f func(context.Context) error) error { return f(ctx) }

// once is the retry of a backend whose calls are not tried again. Their effects
// keep the attempt that they came with.
type once struct{}

// Do implements resilience.Retry.
func (once) Do(ctx context.Context, f func(ctx context.Context, attempt int) error) error {
	return f(ctx, 0)
}
