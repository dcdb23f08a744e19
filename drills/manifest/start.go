package manifest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// storeVariables may stand in the start of a store that the system brings along.
var storeVariables = []string{"dir", "replicas", "seed"}

// replicaVariables may stand in the start of a replica.
func replicaVariables(brought []*storeSpec) []string {
	all := append([]string{"replica.name", "witness.url", "witness.token"}, storeVariables...)
	for _, role := range storeRoles {
		all = append(all, role+".url")
		for _, part := range storeParts[drills.Role(role)] {
			all = append(all, role+"."+part)
		}
	}
	for _, name := range drills.BackendNames() {
		all = append(all, backendVariable(name))
	}
	for _, s := range brought {
		for _, port := range s.ports {
			all = append(all, s.variable(port.name))
		}
	}
	return all
}

// variable has the address of a store's port. The port need not be said where
// there is one.
func (s *storeSpec) variable(port string) string {
	if len(s.ports) == 1 {
		return s.name + ".address"
	}
	return s.name + "." + port + ".address"
}

// Start brings up the stores, then the replicas with their links, and returns
// once every replica is ready.
func (s *System) Start(ctx context.Context, env drills.Environment, replicas int) (drills.Cluster, error) {
	if err := errors.Join(s.checkImages(ctx, env.Substrate), s.adopt(ctx, env.Substrate, replicas)); err != nil {
		return nil, errors.Join(err, env.Substrate.Close(context.WithoutCancel(ctx)))
	}
	c := &cluster{system: s, substrate: env.Substrate}
	if err := c.start(ctx, env, replicas); err != nil {
		return nil, errors.Join(err, c.Close(context.WithoutCancel(ctx)))
	}
	return c.able(), nil
}

// able is the cluster with the abilities that the manifest gives it, and no others:
// what cannot be asked is unknown, and not zero.
func (c *cluster) able() drills.Cluster {
	leads, counts := leaders{c}, inspector{c}
	switch {
	case c.system.leader != nil && c.system.inspect != nil:
		return struct {
			*cluster
			leaders
			inspector
		}{c, leads, counts}
	case c.system.leader != nil:
		return struct {
			*cluster
			leaders
		}{c, leads}
	case c.system.inspect != nil:
		return struct {
			*cluster
			inspector
		}{c, counts}
	}
	return c
}

func (c *cluster) start(ctx context.Context, env drills.Environment, replicas int) error {
	if err := c.startStores(ctx, env, replicas); err != nil {
		return fmt.Errorf("start the stores: %w", err)
	}
	if c.system.compose != nil {
		for i := range replicas {
			b, err := speakFor(ctx, env.Witness, env.Token(nameOf(i+1)))
			if err != nil {
				return fmt.Errorf("speak for %s to the witness: %w", nameOf(i+1), err)
			}
			c.bearers = append(c.bearers, b)
		}
	}
	c.replicas = make([]*member, replicas)
	starting, startCtx := errgroup.WithContext(ctx)
	for i := range c.replicas {
		starting.Go(func() (err error) {
			c.replicas[i], err = c.startReplica(startCtx, i+1, env)
			return err
		})
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	if err := awaitReady(ctx, c.replicas); err != nil || c.system.inspect == nil {
		return err
	}
	return inspector{c}.check(ctx)
}

func (c *cluster) startStores(ctx context.Context, env drills.Environment, replicas int) error {
	c.stores = make([]drills.Store, len(c.system.stores))
	c.brought = make([]*member, len(c.system.brought))
	starting, startCtx := errgroup.WithContext(ctx)
	for i, role := range c.system.stores {
		starting.Go(func() (err error) {
			c.stores[i], err = c.substrate.Store(startCtx, string(role), role)
			return err
		})
	}
	values := c.values(env, replicas)
	for i, spec := range c.system.brought {
		starting.Go(func() error {
			c.brought[i] = newMember(&spec.processSpec)
			return c.launch(startCtx, c.brought[i], drills.ProcessSpec{
				Name: spec.name, Role: spec.role, Adopted: drills.Adopted{Service: spec.service, Number: 1, URL: spec.url},
			}, values)
		})
	}
	if err := starting.Wait(); err != nil {
		return err
	}
	return awaitReady(ctx, c.brought)
}

// values are those of the variables that every process has.
func (c *cluster) values(env drills.Environment, replicas int) map[string]string {
	values := maps.Clone(c.system.secrets)
	values["dir"], values["replicas"], values["seed"] = c.system.dir, strconv.Itoa(replicas), strconv.FormatUint(env.Seed, 10)
	return values
}

// nameOf is the name of a replica, which are counted from 1.
func nameOf(number int) string { return fmt.Sprintf("replica-%d", number) }

// startReplica starts one replica behind its links: to the stores, to the
// witness and its backends, and in front of its ports.
func (c *cluster) startReplica(ctx context.Context, number int, env drills.Environment) (*member, error) {
	name := nameOf(number)
	m := newMember(&c.system.replica)
	values, err := c.linkOut(ctx, m, number, env)
	if err != nil {
		return nil, err
	}
	process := drills.ProcessSpec{
		Name: name, Role: drills.RoleReplica, Adopted: drills.Adopted{Service: m.spec.service, Number: number},
	}
	if c.system.stop != nil {
		process.Ask = func(ctx context.Context) error { return m.askToEnd(ctx, *c.system.stop) }
	}
	return m, c.launch(ctx, m, process, values)
}

func newMember(spec *processSpec) *member { return &member{spec: spec, addrs: map[string]string{}} }

// launch starts a process with the links in front of its ports.
func (c *cluster) launch(ctx context.Context, m *member, process drills.ProcessSpec, values map[string]string) (err error) {
	process.Grace, process.Image = m.spec.grace, m.spec.image
	for _, word := range m.spec.command {
		process.Command = append(process.Command, word.fill(values, plain))
	}
	for _, variable := range m.spec.environment {
		process.Env = append(process.Env, variable.name+"="+variable.value.fill(values, plain))
	}
	for _, port := range m.spec.ports {
		process.Ports = append(process.Ports, port.variable)
	}
	if m.process, err = c.substrate.Launch(ctx, process); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = m.spec.hint(err)
		}
		return fmt.Errorf("start %s: %w", process.Name, err)
	}
	if err := obeys(m.process, process); err != nil {
		return fmt.Errorf("start %s: %w", process.Name, err)
	}
	return c.linkIn(ctx, m, process.Name)
}

// obeys wants a substrate to have followed all that it was told: one of an earlier
// make would drill something else.
func obeys(p drills.Process, told drills.ProcessSpec) error {
	if got := p.Info().Role; got != told.Role {
		return fmt.Errorf("%w: the substrate made a %s of a %s", drills.ErrUnsupported, got, told.Role)
	}
	if asked, ok := p.(drills.Asked); told.Ask != nil && (!ok || asked.AskedBy() != drills.ByRequest) {
		return fmt.Errorf("%w: on this substrate processes are asked to end by signals only", drills.ErrUnsupported)
	}
	return nil
}

// linkOut places the links to what a replica depends on, and gives the values
// of its variables.
func (c *cluster) linkOut(ctx context.Context, m *member, number int, env drills.Environment) (map[string]string, error) {
	name := nameOf(number)
	values := c.values(env, len(c.replicas))
	values["replica.name"], values["witness.token"] = name, env.Token(name)
	for _, store := range c.stores {
		l, err := c.link(ctx, m, drills.LinkSpec{From: name, To: store.Info().Name, Upstream: store.Addr()})
		if err != nil {
			return nil, err
		}
		if err := fillStore(values, store, l.Addr()); err != nil {
			return nil, err
		}
	}
	for i, store := range c.system.brought {
		if err := c.linkBrought(ctx, m, name, store, c.brought[i], values); err != nil {
			return nil, err
		}
	}
	witness := env.Witness
	if len(c.bearers) > 0 {
		witness = c.bearers[number-1].addr
	}
	l, err := c.link(ctx, m, drills.LinkSpec{From: name, To: "witness", Upstream: witness})
	if err != nil {
		return nil, err
	}
	values["witness.url"] = "http://" + l.Addr()
	return values, c.linkBackends(ctx, m, name, env, values)
}

// linkBrought places the links of a replica to each port of a store that the system
// brings along.
func (c *cluster) linkBrought(ctx context.Context, m *member, name string, spec *storeSpec, store *member, values map[string]string) error {
	for _, port := range spec.ports {
		upstream, err := store.upstream(port)
		if err != nil {
			return err
		}
		l, err := c.link(ctx, m, drills.LinkSpec{From: name, To: spec.name, Upstream: upstream})
		if err != nil {
			return err
		}
		values[spec.variable(port.name)] = l.Addr()
	}
	return nil
}

// upstream is where a process listens itself.
func (m *member) upstream(port portSpec) (string, error) {
	switch p := m.process.(type) {
	case drills.Ported:
		return p.Addr(port.variable), nil
	case drills.Store: // which has one
		return p.Addr(), nil
	}
	return "", fmt.Errorf("%s: the substrate gives its processes no addresses", m.process.Info().Name)
}

// linkIn places the links in front of a process's ports.
func (c *cluster) linkIn(ctx context.Context, m *member, name string) error {
	for _, port := range m.spec.ports {
		upstream, err := m.upstream(port)
		if err != nil {
			return err
		}
		l, err := c.link(ctx, m, drills.LinkSpec{From: "clients", To: name, Upstream: upstream})
		if err != nil {
			return err
		}
		m.addrs[port.name] = l.Addr()
	}
	return nil
}

func (c *cluster) link(ctx context.Context, m *member, spec drills.LinkSpec) (drills.Link, error) {
	l, err := c.substrate.Link(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("link %s to %s: %w", spec.From, spec.To, err)
	}
	m.links = append(m.links, l)
	return l, nil
}
