package controlplane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/cron"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/metrics"
	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/reconciler"
	"github.com/drillrun/drillrun/reference/relay"
	"github.com/drillrun/drillrun/reference/worker"
)

// ControlKey is the leadership under which all singletons are held together.
const ControlKey = "control"

// The pools of a replica, in connections. They are two, so that a rush of
// clients cannot keep renewals and the leader's work waiting.
const (
	apiPool  = 6
	workPool = 8
)

// Deps are the connections that parts are made of.
type Deps struct {
	Postgres postgres.Options
	API      *pgxpool.Pool // for what clients ask
	Pool     *pgxpool.Pool // for everything else
	Redis    *redis.Client
	Effects  *effects.Client
	Metrics  *metrics.Set
	Log      *slog.Logger
	Wake     func()          // tells the relay of a submission
	Woken    <-chan struct{} // the relay's end of it
}

// Queue is the stream as all parts together use it.
type Queue interface {
	worker.Queue
	relay.Publisher
	reconciler.Stream
}

var _ Queue = (*queue.Stream)(nil)

// Runner runs until its context ends.
type Runner interface{ Run(ctx context.Context) }

// Parts are what a replica is made of. Those in the second half are made from
// the first when the replica runs, so that each can be replaced alone.
type Parts struct {
	Elector  leadership.Elector
	Jobs     api.Jobs
	Outbox   relay.Outbox
	Lost     reconciler.Jobs
	Slots    cron.Slots
	Queue    Queue
	Ledger   worker.Ledger
	Reporter effects.Reporter

	// Singletons are run by the guard, by leadership key.
	Singletons func(*Parts) map[string][]leadership.Singleton
	// Kinds are the handlers of jobs, by kind.
	Kinds  func(*Parts) map[string]worker.Handler
	Worker func(*Parts) Runner
}

// Sound returns the parts of the reference.
func Sound(c Config, d Deps) *Parts {
	limit := c.limit()
	return &Parts{
		Elector:  leadership.NewSessions(d.Postgres, c.Replica),
		Jobs:     jobs.NewStore(d.API, limit),
		Outbox:   relay.NewStore(d.Pool, limit),
		Lost:     reconciler.NewStore(d.Pool, limit),
		Slots:    cron.NewStore(d.Pool, c.CronEvery, limit),
		Queue:    queue.New(d.Redis, c.Replica, c.Lease, limit, d.Log),
		Ledger:   ledger.New(d.Pool, c.Lease, limit),
		Reporter: counted{d.Effects, d.Metrics},
		Singletons: func(p *Parts) map[string][]leadership.Singleton {
			return map[string][]leadership.Singleton{ControlKey: {
				effects.Announcer{Reporter: p.Reporter},
				&cron.Cron{Slots: p.Slots, Reporter: p.Reporter, Metrics: d.Metrics, Log: d.Log},
				&relay.Relay{Outbox: p.Outbox, Publisher: p.Queue, Woken: d.Woken, Metrics: d.Metrics, Log: d.Log},
				&reconciler.Reconciler{
					Stream: p.Queue, Jobs: p.Lost, Every: c.Sweep, Quiet: c.quiet(), Metrics: d.Metrics, Log: d.Log,
				},
			}}
		},
		Kinds: func(p *Parts) map[string]worker.Handler {
			return map[string]worker.Handler{jobs.DefaultKind: worker.EffectKind(p.Reporter)}
		},
		Worker: func(p *Parts) Runner {
			return worker.New(worker.Config{
				Replica: c.Replica, Slots: c.Workers, Lease: c.Lease, Sweep: c.Sweep, Grace: c.Grace, MaxFailures: c.MaxFailures,
			}, p.Queue, p.Ledger, p.Kinds(p), d.Metrics, d.Log)
		},
	}
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
