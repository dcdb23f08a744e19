package singletons

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/slots"
)

// Cron is the worker whose effect goes to the receiver of effects itself, and
// which makes up for every slot that it missed.
const Cron = "cron"

// Names are the workers, in a stable order. Each can be a leadership's key.
func Names() []string {
	names := []string{Cron}
	for _, d := range decisions {
		names = append(names, d.name)
	}
	return names
}

// Config is what the workers are made of.
type Config struct {
	DB       leadership.DB
	Slots    func(task string) slots.Slots
	Reporter effects.Reporter
	Backends backends.Caller
	Limit    time.Duration // of each call to Postgres
	Metrics  *metrics.Set
	Log      *slog.Logger
}

// All returns the eleven workers.
func All(c Config) []leadership.Singleton {
	all := []leadership.Singleton{c.worker(Cron, true, func(ctx context.Context, subject string) (json.RawMessage, error) {
		return nil, effects.AsHolder(ctx, c.Reporter, subject)
	})}
	for _, d := range decisions {
		all = append(all, c.worker(d.name, false, func(ctx context.Context, subject string) (json.RawMessage, error) {
			return c.act(ctx, d, subject)
		}))
	}
	return all
}

func (c Config) worker(task string, catchUp bool, act slots.Act) *slots.Worker {
	return &slots.Worker{Task: task, Slots: c.Slots(task), Act: act, CatchUp: catchUp, Metrics: c.Metrics, Log: c.Log}
}

// act decides, has the backend bring it about, and carries out what belongs to
// Postgres.
func (c Config) act(ctx context.Context, d decision, subject string) (json.RawMessage, error) {
	decided, err := c.decide(ctx, d)
	if err != nil {
		return nil, err
	}
	if err := c.call(ctx, d.to, subject); err != nil {
		return nil, err
	}
	if d.carryOut == "" {
		return decided, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	if _, err := leadership.Exec(ctx, c.DB, d.carryOut, decided); err != nil {
		return nil, fmt.Errorf("carry out what %s decided: %w", d.name, err)
	}
	return decided, nil
}

func (c Config) decide(ctx context.Context, d decision) (decided json.RawMessage, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	if err := c.DB.QueryRow(ctx, d.read).Scan(&decided); err != nil {
		return nil, fmt.Errorf("read the state for %s: %w", d.name, err)
	}
	return decided, nil
}

// call acts as the holder of the lease in ctx.
func (c Config) call(ctx context.Context, to backends.Name, subject string) error {
	lease, err := leadership.FromContext(ctx)
	if err != nil {
		return err
	}
	if err := lease.Check(); err != nil {
		return err
	}
	_, err = c.Backends.Call(ctx, to, effects.Effect{
		Subject: subject, Key: subject, Kind: effects.Fenced, Leadership: lease.Key, Term: lease.Term,
	})
	if errors.Is(err, effects.ErrStale) {
		return fmt.Errorf("%w: %w", leadership.ErrTermLost, err)
	}
	return err
}
