package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/drillrun/drillrun/reference/api"
	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/leadership"
	"github.com/drillrun/drillrun/reference/postgres"
	"github.com/drillrun/drillrun/reference/schema"
)

// replica is one running replica.
type replica struct {
	Config
	deps     Deps
	parts    *Parts
	probe    *pgxpool.Pool         // one connection, so that a busy pool is not taken for a dead Postgres
	report   func(context.Context) // sends what the clients of backends observe
	migrated atomic.Bool
	tenure   tenure
	log      *slog.Logger
}

// run builds a replica and runs it until ctx ends. The error is nil after such
// an end.
func run(ctx context.Context, c Config, build Build, log *slog.Logger, stdout io.Writer) error {
	deps, err := connect(ctx, c, log)
	if err != nil {
		return err
	}
	o := deps.Postgres
	o.Name += "/probe"
	probe, err := postgres.Pool(ctx, o, 1)
	if err != nil {
		return errors.Join(err, deps.close())
	}
	defer probe.Close()
	r := &replica{Config: c, deps: deps, parts: build(c, deps), probe: probe, log: log}
	if c.Role.works() {
		calls, err := backends.New(r.calls())
		if err != nil {
			return errors.Join(fmt.Errorf("%w: %w", ErrConfig, err), deps.close())
		}
		defer calls.Close()
		r.parts.Backends, r.report = calls, calls.Run
	}
	return errors.Join(r.run(ctx, stdout), deps.close())
}

// calls is how this replica calls backends.
func (r *replica) calls() backends.Config {
	c := backends.Defaults()
	c.Replica, c.URLs, c.Token = r.Replica, r.Backends, r.WitnessToken
	c.Short, c.Long, c.Reset = r.CallShort, r.CallLong, r.BreakerReset
	c.Parts, c.Metrics, c.Log = r.parts.Resilience, r.deps.Metrics, r.log
	c.Reporter, c.Meter = r.deps.Effects, r.deps.Effects
	return c
}

// run runs what the role asks for. Only the API can fail: it cannot do without
// its address.
func (r *replica) run(ctx context.Context, stdout io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var running sync.WaitGroup
	var served error
	if r.Role.serves() {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", r.APIAddr)
		if err != nil {
			return fmt.Errorf("listen for the API: %w", err)
		}
		if _, err := fmt.Fprintf(stdout, "listening on %s\n", l.Addr()); err != nil {
			return errors.Join(fmt.Errorf("tell the address: %w", err), l.Close())
		}
		running.Go(func() {
			defer stop()
			served = r.serve(ctx, l)
		})
	}
	running.Go(func() {
		if r.migrate(ctx) == nil && r.Role.works() {
			r.work(ctx)
		}
	})
	running.Wait()
	return served
}

// work leads and runs jobs until ctx ends. What is observed on the way is
// reported until the last of it has ended.
func (r *replica) work(ctx context.Context) {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	var reporting, working sync.WaitGroup
	reporting.Go(func() { r.report(life) })
	working.Go(func() { r.deps.Effects.KeepWarm(ctx, r.TTL/2) })
	working.Go(func() { r.guard().Run(ctx) })
	for _, w := range r.parts.Workers(r.parts) {
		working.Go(func() { w.Run(ctx) })
	}
	working.Wait()
	end()
	reporting.Wait()
}

// migrate brings the schema up to date, however long Postgres is away. It
// returns an error only when ctx ends first.
func (r *replica) migrate(ctx context.Context) error {
	for failures := 0; ; failures++ {
		err := schema.Migrate(ctx, r.deps.Postgres, 2*r.TTL)
		if err == nil {
			r.migrated.Store(true)
			return nil
		}
		r.log.Warn("schema not ready, trying again", "err", err)
		if err := backoff.Stores().Wait(ctx, failures); err != nil {
			return err
		}
	}
}

func (r *replica) guard() *leadership.Guard {
	return &leadership.Guard{
		Elector: r.parts.Elector, Singletons: r.parts.Singletons(r.parts), Delay: r.delay, Log: r.log,
		Observe: func(key string, term uint64, held bool) {
			r.deps.Metrics.Leadership(key, term, held)
			r.tenure.observe(key, term, held)
		},
	}
}

func (r *replica) serve(ctx context.Context, l net.Listener) error {
	health := api.NewHealth(r.probes()...)
	a := api.New(api.Config{
		Token: r.APIToken, Jobs: r.parts.Jobs, Leader: r.leader, Health: health,
		Metrics: r.deps.Metrics.Handler(), Log: r.log,
		Submitted: func() {
			r.deps.Metrics.Job("submitted", 1)
			r.deps.Wake()
		},
	})
	ctx, stop := context.WithCancel(ctx)
	var probing sync.WaitGroup
	probing.Go(func() { health.Run(ctx) })
	err := a.Serve(ctx, l, r.Grace*3/4)
	stop()
	probing.Wait()
	return err
}

func (r *replica) probes() []api.Probe {
	probes := []api.Probe{
		{Name: "postgres", Ask: r.askPostgres},
		{Name: "schema", Ask: func(context.Context) error {
			if !r.migrated.Load() {
				return errors.New("not migrated yet")
			}
			return nil
		}},
	}
	if r.Role.works() {
		probes = append(probes, api.Probe{Name: "redis", Ask: func(ctx context.Context) error {
			return r.deps.Redis.Ping(ctx).Err()
		}})
	}
	return probes
}

// askPostgres wants a server that takes writes.
func (r *replica) askPostgres(ctx context.Context) error {
	var readOnly bool
	if err := r.probe.QueryRow(ctx, `SELECT current_setting('transaction_read_only')::bool`).Scan(&readOnly); err != nil {
		return err
	}
	if readOnly {
		return errors.New("it is read-only")
	}
	return nil
}

// leader answers who leads: the table's opinion, and this replica's own.
func (r *replica) leader(ctx context.Context) (api.Leadership, error) {
	ctx, cancel := context.WithTimeout(ctx, r.limit())
	defer cancel()
	h, err := leadership.Current(ctx, r.deps.API, ControlKey)
	if err != nil {
		return api.Leadership{}, err
	}
	return api.Leadership{Holder: h, Self: h.Term > 0 && r.tenure.holds(ControlKey) == h.Term}, nil
}

// tenure is which leaderships this replica holds.
type tenure struct {
	mu    sync.Mutex
	terms map[string]uint64
}

func (t *tenure) observe(key string, term uint64, held bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.terms == nil {
		t.terms = make(map[string]uint64)
	}
	if held {
		t.terms[key] = term
	} else {
		delete(t.terms, key)
	}
}

// holds returns the term under which the replica holds key, or 0.
func (t *tenure) holds(key string) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.terms[key]
}
