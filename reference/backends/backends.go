package backends

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/resilience"
)

// Caller calls backends. Its errors are resilience.ErrOpen and
// resilience.ErrSaturated, where nothing was called, and those of
// effects.Reporter.
type Caller interface {
	// Call has a backend do e.
	Call(ctx context.Context, to Name, e effects.Effect) (effects.Outcome, error)
	// Ping asks a backend whether it is well.
	Ping(ctx context.Context, to Name) error
}

// Backends is the Caller over HTTP.
type Backends struct {
	services map[Name]*service
	metrics  *metrics.Set
	sender   *sender
}

var _ Caller = (*Backends)(nil)

// New returns the backends of a replica. Nothing is dialled yet.
func New(c Config) (*Backends, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := &Backends{services: make(map[Name]*service), metrics: c.Metrics, sender: newSender(c)}
	for name, p := range c.Profiles {
		b.services[name] = newService(c, name, p, b.sender)
	}
	return b, nil
}

// Run reports changes of breakers and durations until ctx ends, and then, for
// a moment, what is left.
func (b *Backends) Run(ctx context.Context) { b.sender.run(ctx) }

// Close ends idle connections.
func (b *Backends) Close() {
	for _, s := range b.services {
		s.client.Close()
	}
}

// Call implements Caller.
func (b *Backends) Call(ctx context.Context, to Name, e effects.Effect) (effects.Outcome, error) {
	s, known := b.services[to]
	if !known {
		return "", fmt.Errorf("call %s: there is no such backend: %w", to, effects.ErrRefused)
	}
	began, found := time.Now(), s.breaker.State()
	outcome, reached, err := s.call(ctx, e)
	took := time.Since(began)
	b.metrics.Call(string(to), label(ctx, outcome, err))
	switch {
	case reached && ctx.Err() == nil:
		b.sender.measured(series{called, to}, took)
	case !reached && found != resilience.Closed && errors.Is(err, resilience.ErrOpen):
		b.sender.measured(series{refused, to}, took)
	}
	return outcome, err
}

// label is the outcome of a call for the metrics.
func label(ctx context.Context, o effects.Outcome, err error) string {
	switch {
	case err == nil:
		return string(o)
	case errors.Is(err, resilience.ErrOpen):
		return "open"
	case errors.Is(err, resilience.ErrSaturated):
		return "saturated"
	case errors.Is(err, effects.ErrStale):
		return "stale"
	case errors.Is(err, effects.ErrRefused):
		return "refused"
	case ctx.Err() != nil:
		return "cancelled"
	}
	return "failed"
}

// Ping implements Caller.
func (b *Backends) Ping(ctx context.Context, to Name) error {
	s, known := b.services[to]
	if !known {
		return fmt.Errorf("ping %s: there is no such backend: %w", to, effects.ErrRefused)
	}
	return s.breaker.Do(ctx, func(ctx context.Context) error {
		if err := s.client.Ping(ctx); err != nil {
			return fmt.Errorf("%s: %w", to, err)
		}
		return nil
	})
}
