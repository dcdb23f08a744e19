package manifest

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// startVariables are those that may stand in the command and the environment.
func startVariables() []string {
	all := []string{"dir", "replica.name", "replicas", "seed", "witness.url", "witness.token"}
	for _, role := range storeRoles {
		all = append(all, role+".url", role+".address")
	}
	return all
}

// Start brings up the stores, then the replicas with their links, and returns
// once every replica is ready.
func (s *System) Start(ctx context.Context, env drills.Environment, replicas int) (drills.Cluster, error) {
	c := &cluster{system: s, substrate: env.Substrate}
	if err := c.start(ctx, env, replicas); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	if s.leader != nil {
		return &ledCluster{c}, nil
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context, env drills.Environment, replicas int) error {
	if err := c.startStores(ctx); err != nil {
		return err
	}
	c.replicas = make([]*replica, replicas)
	starting, startCtx := errgroup.WithContext(ctx)
	for i := range c.replicas {
		starting.Go(func() (err error) {
			c.replicas[i], err = c.launch(startCtx, fmt.Sprintf("replica-%d", i+1), env)
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	return c.awaitReady(ctx)
}

func (c *cluster) startStores(ctx context.Context) error {
	c.stores = make([]drills.Store, len(c.system.stores))
	starting, ctx := errgroup.WithContext(ctx)
	for i, role := range c.system.stores {
		starting.Go(func() (err error) {
			c.stores[i], err = c.substrate.Store(ctx, string(role), role)
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return fmt.Errorf("start the stores: %w", err)
	}
	return nil
}

// launch starts one replica behind its links: to the stores, to the witness, and
// in front of its ports.
func (c *cluster) launch(ctx context.Context, name string, env drills.Environment) (*replica, error) {
	r := &replica{addrs: map[string]string{}}
	values, err := c.linkOut(ctx, r, name, env)
	if err != nil {
		return nil, err
	}
	spec := c.system.replica
	process := drills.ProcessSpec{Name: name, Grace: spec.grace}
	for _, word := range spec.command {
		process.Command = append(process.Command, word.fill(values, plain))
	}
	for _, variable := range spec.environment {
		process.Env = append(process.Env, variable.name+"="+variable.value.fill(values, plain))
	}
	for _, port := range spec.ports {
		process.Ports = append(process.Ports, port.variable)
	}
	if r.process, err = c.substrate.Launch(ctx, process); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return r, c.linkIn(ctx, r, name)
}

// linkOut places the links to what a replica depends on, and gives the values
// of its variables.
func (c *cluster) linkOut(ctx context.Context, r *replica, name string, env drills.Environment) (map[string]string, error) {
	values := map[string]string{
		"dir": c.system.dir, "replica.name": name, "replicas": strconv.Itoa(len(c.replicas)),
		"seed": strconv.FormatUint(env.Seed, 10), "witness.token": env.Token(name),
	}
	for _, store := range c.stores {
		to := store.Info().Name
		l, err := c.link(ctx, r, drills.LinkSpec{From: name, To: to, Upstream: store.Addr()})
		if err != nil {
			return nil, err
		}
		values[to+".url"], values[to+".address"] = store.URL(l.Addr()), l.Addr()
	}
	l, err := c.link(ctx, r, drills.LinkSpec{From: name, To: "witness", Upstream: env.Witness})
	if err != nil {
		return nil, err
	}
	values["witness.url"] = "http://" + l.Addr()
	return values, nil
}

// linkIn places the links in front of a replica's ports.
func (c *cluster) linkIn(ctx context.Context, r *replica, name string) error {
	ported, ok := r.process.(drills.Ported)
	if !ok {
		return fmt.Errorf("start %s: the substrate gives its processes no addresses", name)
	}
	for _, port := range c.system.replica.ports {
		l, err := c.link(ctx, r, drills.LinkSpec{From: "clients", To: name, Upstream: ported.Addr(port.variable)})
		if err != nil {
			return err
		}
		r.addrs[port.name] = l.Addr()
	}
	return nil
}

func (c *cluster) link(ctx context.Context, r *replica, spec drills.LinkSpec) (drills.Link, error) {
	l, err := c.substrate.Link(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("link %s to %s: %w", spec.From, spec.To, err)
	}
	r.links = append(r.links, l)
	return l, nil
}
