package adapter

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reference/defects"
)

// The drill profile: short intervals, so that a drill outlasts all of them.
const (
	leadershipTTL = 2 * time.Second
	jobLease      = 2 * time.Second
	sweepEvery    = time.Second
	cronEvery     = 200 * time.Millisecond
	grace         = 3 * time.Second

	// settle is the longest that anything can go unnoticed: a lease that has
	// just been renewed, the sweep after it has run out, and the time to act.
	settle = jobLease + sweepEvery + time.Second

	startDeadline = 30 * time.Second
)

// System is the reference control plane as something to drill.
type System struct {
	command []string
}

var (
	_ drills.System  = (*System)(nil)
	_ drills.Settler = (*System)(nil)
)

// New returns the reference. Its replicas are this very program started again,
// which must call RunReplica.
func New() (*System, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program to start it as a replica: %w", err)
	}
	return &System{command: []string{self}}, nil
}

// Name is "reference".
func (*System) Name() string { return "reference" }

// Guarantees is what the reference promises: a leader, jobs, effects exactly
// once by key and, for the leader's, by fencing.
func (*System) Guarantees() drills.Guarantees {
	return drills.Guarantees{
		Leader: true, Jobs: true,
		Effects: drills.ExactlyOnce, Means: []string{"key", "fencing"},
	}
}

// Settle is the reference's settle interval under the drill profile.
func (*System) Settle() time.Duration { return settle }

// Start brings up the stores, then the replicas with their links, and returns
// once every replica is ready.
func (s *System) Start(ctx context.Context, env drills.Environment, replicas int) (drills.Cluster, error) {
	if err := checkOptions(env.Options); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	c := &cluster{substrate: env.Substrate}
	err := c.start(ctx, s.command, env, replicas)
	if err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c, nil
}

// checkOptions refuses what would be drilled as if it were sound.
func checkOptions(options map[string]string) error {
	for name, value := range options {
		if name != DefectOption {
			return fmt.Errorf("the reference has no option %q", name)
		}
		if _, known := defects.Named(value); !known {
			return fmt.Errorf("the reference has no defect %q", value)
		}
	}
	return nil
}

func (c *cluster) start(ctx context.Context, command []string, env drills.Environment, replicas int) error {
	if err := c.startStores(ctx); err != nil {
		return err
	}
	c.replicas = make([]*replica, replicas)
	starting, startCtx := errgroup.WithContext(ctx)
	for i := range c.replicas {
		starting.Go(func() (err error) {
			c.replicas[i], err = c.launch(startCtx, fmt.Sprintf("replica-%d", i+1), command, env)
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	if err := c.awaitReady(ctx); err != nil {
		return err
	}
	c.awaitLeader(ctx)
	return c.look.installTriggers(ctx)
}

func (c *cluster) startStores(ctx context.Context) error {
	starting, ctx := errgroup.WithContext(ctx)
	starting.Go(func() (err error) {
		c.postgres, err = c.substrate.Store(ctx, "postgres", drills.RolePostgres)
		return err
	})
	starting.Go(func() (err error) {
		c.redis, err = c.substrate.Store(ctx, "redis", drills.RoleRedis)
		return err
	})
	if err := starting.Wait(); err != nil {
		return fmt.Errorf("start the stores: %w", err)
	}
	var err error
	c.look, err = newLook(ctx, c.postgres.URL(c.postgres.Addr()), c.redis.URL(c.redis.Addr()))
	return err
}

// launch starts one replica behind its four links.
func (c *cluster) launch(ctx context.Context, name string, command []string, env drills.Environment) (*replica, error) {
	r := &replica{token: rand.Text()}
	toPostgres, err := c.link(ctx, r, name, "postgres", c.postgres.Addr())
	if err != nil {
		return nil, err
	}
	toRedis, err := c.link(ctx, r, name, "redis", c.redis.Addr())
	if err != nil {
		return nil, err
	}
	toWitness, err := c.link(ctx, r, name, "witness", env.Witness)
	if err != nil {
		return nil, err
	}
	r.process, err = c.substrate.Launch(ctx, drills.ProcessSpec{
		Name: name, Command: command, Ports: []string{"API_ADDR"}, Grace: grace + time.Second,
		Env: []string{
			replicaMark + "=1", defectMark + "=" + env.Options[DefectOption], "ROLE=all", "REPLICA=" + name,
			"DATABASE_URL=" + c.postgres.URL(toPostgres.Addr()),
			"REDIS_URL=" + c.redis.URL(toRedis.Addr()),
			"WITNESS_URL=http://" + toWitness.Addr(), "WITNESS_TOKEN=" + env.Token(name),
			"API_TOKEN=" + r.token,
			"TTL=" + leadershipTTL.String(), "LEASE=" + jobLease.String(), "SWEEP=" + sweepEvery.String(),
			"CRON_EVERY=" + cronEvery.String(), "GRACE=" + grace.String(),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ported, ok := r.process.(drills.Ported)
	if !ok {
		return r, fmt.Errorf("start %s: the substrate gives its processes no addresses", name)
	}
	r.api, err = c.link(ctx, r, "clients", name, ported.Addr("API_ADDR"))
	return r, err
}

func (c *cluster) link(ctx context.Context, r *replica, from, to, upstream string) (drills.Link, error) {
	l, err := c.substrate.Link(ctx, drills.LinkSpec{From: from, To: to, Upstream: upstream})
	if err != nil {
		return nil, fmt.Errorf("link %s to %s: %w", from, to, err)
	}
	r.links = append(r.links, l)
	return l, nil
}
