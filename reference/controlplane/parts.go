package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/kinds"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
	"github.com/drillrun/drillrun/reference/resilience"
	"github.com/drillrun/drillrun/reference/singletons"
	"github.com/drillrun/drillrun/reference/slots"
	"github.com/drillrun/drillrun/reference/worker"
)

// The pools of a replica, in connections. They are three: a rush of clients
// cannot keep renewals and the relay waiting, and neither can ten singletons
// when each of their statements takes long.
const (
	apiPool  = 6
	workPool = 8
	leadPool = 2
)

// Deps are the connections that parts are made of.
type Deps struct {
	Postgres postgres.Options
	API      *pgxpool.Pool // for what clients ask
	Pool     *pgxpool.Pool // for everything else
	Lead     *pgxpool.Pool // for what singletons read and write in their slots
	Redis    *redis.Client
	Effects  *effects.Client
	Metrics  *metrics.Set
	Log      *slog.Logger
	Wake     func()          // tells the relay of a submission
	Woken    <-chan struct{} // the relay's end of it
}

// Queue is the leader's end of the queue, of all lanes together.
type Queue interface {
	relay.Publisher
	reconciler.Queue
}

var _ Queue = (*queue.Feed)(nil)

// Runner runs until its context ends.
type Runner interface{ Run(ctx context.Context) }

// Parts are what a replica is made of. Those in the second half are made from
// the first when the replica runs, so that each can be replaced alone.
type Parts struct {
	Elector leadership.Elector
	Jobs    api.Jobs
	Outbox  relay.Outbox
	Lost    reconciler.Jobs
	Slots   func(task string) slots.Slots
	// Backends are called by what Resilience makes, when the replica runs.
	Resilience resilience.Parts
	Backends   backends.Caller
	Queue      Queue
	Lanes      map[jobs.Lane]*Lane
	Steps      kinds.Steps
	Reporter   effects.Reporter

	// Singletons are run by the guard, by leadership key.
	Singletons func(*Parts) map[string][]leadership.Singleton
	// Kinds are the handlers of jobs, by kind.
	Kinds func(*Parts) map[string]worker.Handler
	// Workers are one for each lane.
	Workers func(*Parts) []Runner
}

// Sound returns the parts of the reference.
func Sound(c Config, d Deps) *Parts {
	limit := c.limit()
	return &Parts{
		Elector: leadership.NewSessions(d.Postgres, c.Replica),
		Jobs:    jobs.NewStore(d.API, limit),
		Outbox:  relay.NewStore(d.Pool, limit),
		Lost:    reconciler.NewStore(d.Pool, limit),
		Slots: func(task string) slots.Slots {
			return slots.NewStore(d.poolOf(task), task, c.every(task), limit)
		},
		Resilience: resilience.Sound(),
		Queue:      queue.NewFeed(d.Redis, limit),
		Lanes:      soundLanes(c, d),
		Steps:      kinds.NewStore(d.Pool, limit),
		Reporter:   counted{d.Effects, d.Metrics},
		Singletons: func(p *Parts) map[string][]leadership.Singleton { return led(c, d, p) },
		Kinds: func(p *Parts) map[string]worker.Handler {
			handlers := kinds.Handlers(p.Steps, p.Backends, p.Reporter)
			handlers[jobs.DefaultKind] = worker.EffectKind(p.Reporter)
			return handlers
		},
		Workers: func(p *Parts) []Runner { return soundWorkers(c, d, p) },
	}
}

// poolOf is what a task's slots are read from and recorded through. Cron's come
// before those of the others.
func (d Deps) poolOf(task string) *pgxpool.Pool {
	if task == singletons.Cron {
		return d.Pool
	}
	return d.Lead
}

// connect makes the connections of a replica. Nothing is dialled yet.
func connect(ctx context.Context, c Config, log *slog.Logger) (Deps, error) {
	woken := make(chan struct{}, 1)
	d := Deps{
		Postgres: postgres.Options{URL: c.DatabaseURL, Name: "controlplane/" + c.Replica, TTL: c.TTL},
		Effects:  effects.NewClient(c.WitnessURL, c.WitnessToken, c.limit()),
		Metrics:  metrics.New(), Log: log, Woken: woken,
		Wake: func() {
			select {
			case woken <- struct{}{}:
			default: // it is woken already
			}
		},
	}
	var err error
	if d.Redis, err = queue.Open(c.RedisURL, c.limit()); err != nil {
		return Deps{}, fmt.Errorf("%w: REDIS_URL: %w", ErrConfig, err)
	}
	d.API, err = postgres.Pool(ctx, d.Postgres, apiPool)
	if err == nil {
		d.Pool, err = postgres.Pool(ctx, d.Postgres, workPool)
	}
	if err == nil {
		d.Lead, err = postgres.Pool(ctx, d.Postgres, leadPool)
	}
	if err != nil {
		return Deps{}, fmt.Errorf("%w: DATABASE_URL: %w", ErrConfig, err)
	}
	return d, nil
}

// close ends what connect made. Nothing may be using it any more.
func (d Deps) close() error {
	d.Effects.Close()
	d.API.Close()
	d.Pool.Close()
	d.Lead.Close()
	if err := d.Redis.Close(); err != nil {
		return fmt.Errorf("close Redis client: %w", err)
	}
	return nil
}

// counted counts the effects that pass through it.
type counted struct {
	effects.Reporter
	metrics *metrics.Set
}

// Report implements effects.Reporter.
func (c counted) Report(ctx context.Context, e effects.Effect) (effects.Outcome, error) {
	outcome, err := c.Reporter.Report(ctx, e)
	switch {
	case err == nil:
		c.metrics.Effect(string(outcome))
	case errors.Is(err, effects.ErrStale):
		c.metrics.Effect("stale")
	case errors.Is(err, effects.ErrRefused):
		c.metrics.Effect("refused")
	default:
		c.metrics.Effect("unknown")
	}
	return outcome, err
}
