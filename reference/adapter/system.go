package adapter

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/controlplane"
	"github.com/drillrun/drillrun/reference/defects"
	"github.com/drillrun/drillrun/reference/singletons"
)

// The drill profile: short intervals, so that a drill outlasts all of them.
const (
	leadershipTTL = 2 * time.Second
	jobLease      = 2 * time.Second
	sweepEvery    = time.Second
	cronEvery     = 200 * time.Millisecond
	grace         = 3 * time.Second
	// Often enough for each to have acted in any second.
	singletonEvery = 500 * time.Millisecond
	// Of the clients of backends.
	breakerReset = time.Second
	callShort    = 250 * time.Millisecond
	callLong     = time.Second

	// settle is the longest that anything can go unnoticed: a lease that has
	// just been renewed, the sweep after it has run out, and the time to act.
	settle = jobLease + sweepEvery + time.Second

	startDeadline = 30 * time.Second
)

const (
	// leadershipOption is the option that says how singletons are led.
	leadershipOption = "leadership"
	// directOption lists the stores that replicas have direct links to.
	directOption = "direct"
)

// leaderships is how many there are, by the way in which singletons are led.
var leaderships = map[string]int{
	string(controlplane.Together): 1,
	string(controlplane.Spread):   1 + len(singletons.Names()),
}

// leadership is how singletons are led in a drill: together, unless it says
// otherwise.
func leadership(env drills.Environment) string {
	return cmp.Or(env.Options[leadershipOption], string(controlplane.Together))
}

// stores are what replicas can have a direct link to.
var stores = []string{"postgres", "redis"}

// direct are the stores that replicas have direct links to.
func direct(options map[string]string) []string {
	list, set := options[directOption]
	if !set {
		return nil
	}
	return strings.Split(list, ",")
}

// System is the reference control plane as something to drill.
type System struct {
	command []string
}

var (
	_ drills.System   = (*System)(nil)
	_ drills.Settler  = (*System)(nil)
	_ drills.Optioned = (*System)(nil)
)

// New returns the reference. Its replicas are this very program started again,
// which must call RunReplica.
func New() (*System, error) {
	// The link leads to the program that runs, even if its file has been replaced
	// since: a build during a drill must not mix two programs in one verdict.
	self := fmt.Sprintf("/proc/%d/exe", os.Getpid())
	if _, err := os.Stat(self); err != nil {
		return nil, fmt.Errorf("find this program to start it as a replica: %w", err)
	}
	return &System{command: []string{self, replicaArgument}}, nil
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
	if err := s.CheckOptions(env.Options); err != nil {
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

// CheckOptions implements drills.Optioned.
func (*System) CheckOptions(options map[string]string) error {
	for name, value := range options {
		switch name {
		case DefectOption:
			if _, known := defects.Named(value); !known {
				return fmt.Errorf("the reference has no defect %q", value)
			}
		case leadershipOption:
			if _, known := leaderships[value]; !known {
				return fmt.Errorf("the reference's option leadership is together or spread, not %q", value)
			}
		case directOption:
			for _, to := range direct(options) {
				if !slices.Contains(stores, to) {
					return fmt.Errorf("the reference's option direct lists some of %s, and not %q", strings.Join(stores, ","), to)
				}
			}
		default:
			return fmt.Errorf("the reference has no option %q: it has %s, %s and %s", name, leadershipOption, directOption, DefectOption)
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
	c.awaitLeaders(ctx, leaderships[leadership(env)])
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

// launch starts one replica behind its links: to the stores, to the witness and
// its backends, and in front of its API.
func (c *cluster) launch(ctx context.Context, name string, command []string, env drills.Environment) (*replica, error) {
	r := &replica{token: rand.Text()}
	databaseURL, err := c.linkStore(ctx, r, name, c.postgres, env)
	if err != nil {
		return nil, err
	}
	redisURL, err := c.linkStore(ctx, r, name, c.redis, env)
	if err != nil {
		return nil, err
	}
	toWitness, err := c.link(ctx, r, drills.LinkSpec{From: name, To: "witness", Upstream: env.Witness})
	if err != nil {
		return nil, err
	}
	toBackends, err := c.linkBackends(ctx, r, name, env)
	if err != nil {
		return nil, err
	}
	r.process, err = c.substrate.Launch(ctx, drills.ProcessSpec{
		Name: name, Command: command, Ports: []string{"API_ADDR"}, Grace: grace + time.Second,
		Env: append(toBackends,
			defectMark+"="+env.Options[DefectOption], "ROLE=all", "REPLICA="+name,
			"DATABASE_URL="+databaseURL, "REDIS_URL="+redisURL,
			"WITNESS_URL=http://"+toWitness.Addr(), "WITNESS_TOKEN="+env.Token(name),
			"API_TOKEN="+r.token,
			// Who can reach the address is the substrate's to decide, which chose it.
			"API_ALLOW_REMOTE=true",
			"TTL="+leadershipTTL.String(), "LEASE="+jobLease.String(), "SWEEP="+sweepEvery.String(),
			"CRON_EVERY="+cronEvery.String(), "SINGLETON_EVERY="+singletonEvery.String(), "GRACE="+grace.String(),
			"LEADERSHIP="+leadership(env),
		),
	})
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	ported, ok := r.process.(drills.Ported)
	if !ok {
		return r, fmt.Errorf("start %s: the substrate gives its processes no addresses", name)
	}
	r.api, err = c.link(ctx, r, drills.LinkSpec{From: "clients", To: name, Upstream: ported.Addr("API_ADDR")})
	return r, err
}

// linkStore returns the URL by which a replica finds a store.
func (c *cluster) linkStore(ctx context.Context, r *replica, name string, to drills.Store, env drills.Environment) (string, error) {
	store := to.Info().Name
	l, err := c.link(ctx, r, drills.LinkSpec{
		From: name, To: store, Upstream: to.Addr(), Direct: slices.Contains(direct(env.Options), store),
	})
	if err != nil {
		return "", err
	}
	return to.URL(l.Addr()), nil
}

// linkBackends returns the settings by which a replica finds the backends.
func (c *cluster) linkBackends(ctx context.Context, r *replica, name string, env drills.Environment) ([]string, error) {
	settings := []string{
		"BREAKER_RESET=" + breakerReset.String(), "CALL_SHORT=" + callShort.String(), "CALL_LONG=" + callLong.String(),
	}
	for _, to := range slices.Sorted(maps.Keys(env.Backends)) {
		l, err := c.link(ctx, r, drills.LinkSpec{From: name, To: to, Upstream: env.Backends[to]})
		if err != nil {
			return nil, err
		}
		settings = append(settings, controlplane.URLVariable(backends.Name(to))+"=http://"+l.Addr())
	}
	return settings, nil
}

func (c *cluster) link(ctx context.Context, r *replica, spec drills.LinkSpec) (drills.Link, error) {
	l, err := c.substrate.Link(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("link %s to %s: %w", spec.From, spec.To, err)
	}
	r.links = append(r.links, l)
	return l, nil
}
