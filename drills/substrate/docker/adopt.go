package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

// Labels by which both versions of compose know what they have started.
const (
	composeProject = "com.docker.compose.project"
	composeService = "com.docker.compose.service"
	composeNumber  = "com.docker.compose.container-number"
	composeOneOff  = "com.docker.compose.oneoff"
)

// Adopt finds a project of compose and takes it in, until the substrate is closed.
func (s *Substrate) Adopt(ctx context.Context, wanted drills.Project) error {
	ctx, done, err := s.scope.Enter(ctx)
	if err != nil {
		return fmt.Errorf("adopt the project %s: %w", wanted.Name, err)
	}
	defer done()
	p, err := s.findProject(ctx, wanted)
	if err != nil {
		return fmt.Errorf("adopt the project %s: %w", wanted.Name, err)
	}
	s.mu.Lock()
	s.project = p
	s.mu.Unlock()
	s.scope.Keep(p.close)
	if err := p.take(ctx); err != nil {
		return fmt.Errorf("adopt the project %s: %w", wanted.Name, err)
	}
	return nil
}

// adopting is the project that has been adopted, nil where none has.
func (s *Substrate) adopting() *project {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.project
}

// findProject looks at every container that takes part, and changes nothing.
func (s *Substrate) findProject(ctx context.Context, wanted drills.Project) (*project, error) {
	host, port, err := net.SplitHostPort(wanted.Witness)
	if err != nil {
		return nil, fmt.Errorf("where replicas look for the witness: %w", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("where replicas look for the witness: %w", err)
	}
	p := &project{substrate: s, name: wanted.Name, port: uint16(number), found: map[string][]guest{}, turns: map[string][]*turn{}}
	services, err := s.services(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if err := s.noReporters(ctx, wanted, services); err != nil {
		return nil, err
	}
	for _, service := range append(slices.Clone(wanted.Stores), wanted.Service) {
		for _, c := range services[service] {
			g, err := s.look(ctx, c.ID)
			if err != nil {
				return nil, err
			}
			p.found[service] = append(p.found[service], g)
		}
	}
	return p, p.settle(wanted, host)
}

// services are the containers of those that take part, in the order of their
// numbers.
func (s *Substrate) services(ctx context.Context, wanted drills.Project) (map[string][]containerapi.Summary, error) {
	all, err := s.provider.engine.ContainerList(ctx, client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", composeProject+"="+wanted.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("look for its containers: %w", err)
	}
	services := map[string][]containerapi.Summary{}
	for _, c := range all.Items {
		if c.Labels[composeOneOff] != "True" {
			services[c.Labels[composeService]] = append(services[c.Labels[composeService]], c)
		}
	}
	for _, found := range services {
		slices.SortFunc(found, func(a, b containerapi.Summary) int { return cmp.Compare(numberOf(a), numberOf(b)) })
	}
	hint := ", or drill as many replicas as there are (--replicas)"
	errs := []error{runs(wanted.Name, wanted.Service, services[wanted.Service], wanted.Replicas, hint)}
	for _, store := range wanted.Stores {
		errs = append(errs, runs(wanted.Name, store, services[store], 1, ""))
	}
	return services, errors.Join(errs...)
}

// runs wants a service to have so many containers, all of which run. One that took
// no part would do the work of those that a drill has hit.
func runs(project, service string, found []containerapi.Summary, want int, hint string) error {
	running := 0
	for _, c := range found {
		if c.State == containerapi.StateRunning {
			running++
		}
	}
	if running == want && len(found) == want {
		return nil
	}
	return &drills.EnvironmentError{
		Missing: fmt.Sprintf("%d running containers of the service %s in the project %s", want, service, project),
		Err:     fmt.Errorf("there are %d, of which %d run", len(found), running),
		Hint:    fmt.Sprintf("`docker-compose -p %s up -d --scale %s=%d`%s", project, service, want, hint),
	}
}

// numberOf is that of a container in its service; compose has no other than numbers.
func numberOf(c containerapi.Summary) int {
	n, _ := strconv.Atoi(c.Labels[composeNumber])
	return n
}

// guest is a container of the project, as it was found.
type guest struct {
	lent
	config *containerapi.Config
}

// look takes a container in, if that can be done.
func (s *Substrate) look(ctx context.Context, id string) (guest, error) {
	answer, err := s.provider.engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return guest{}, fmt.Errorf("look at a container: %w", err)
	}
	found := answer.Container
	var homes []home
	six := ""
	for _, network := range slices.Sorted(maps.Keys(found.NetworkSettings.Networks)) {
		end := found.NetworkSettings.Networks[network]
		if !end.IPAddress.IsValid() {
			continue
		}
		if end.GlobalIPv6Address.IsValid() {
			six = network
		}
		h := home{Network: network, Aliases: end.Aliases}
		if end.IPAMConfig != nil {
			h.Address = end.IPAMConfig.IPv4Address
		}
		homes = append(homes, h)
	}
	g := guest{lend(found, homes), found.Config}
	switch {
	case len(homes) == 0:
		return g, fmt.Errorf("%s has no network of its own, on which it could be cut off: %w", g.Name, drills.ErrUnsupported)
	case six != "":
		return g, fmt.Errorf("%s has an address of IPv6 on %s, by which connections would pass by the links: %w", g.Name, six, drills.ErrUnsupported)
	case found.HostConfig.AutoRemove:
		return g, fmt.Errorf("%s is removed by the engine when it ends, and could not be started again: %w", g.Name, drills.ErrUnsupported)
	}
	return g, nil
}

// errSeveral says that it cannot be told by which network a replica comes.
var errSeveral = errors.New("links need one network that a replica shares with each store, and no second one")

// settle chooses the network by which each container is reached: that which a store
// shares with the replicas. It is the first of its homes from then on.
func (p *project) settle(wanted drills.Project, witness string) error {
	replicas := p.found[wanted.Service]
	if len(replicas) == 0 {
		return errors.New("it is asked for no replica")
	}
	homes := []home{{Network: replicas[0].Homes[0].Network, Aliases: []string{witness}}}
	for _, store := range wanted.Stores {
		g := p.found[store][0]
		shared := slices.DeleteFunc(slices.Clone(g.Homes), func(h home) bool { return !replicas[0].on(h.Network) })
		if len(shared) != 1 {
			return fmt.Errorf("%s and %s share %d networks: %w: %w", replicas[0].Name, g.Name, len(shared), errSeveral, drills.ErrUnsupported)
		}
		slices.SortStableFunc(g.Homes, func(a, b home) int {
			return cmp.Compare(rank(a, shared[0]), rank(b, shared[0]))
		})
		if !slices.ContainsFunc(homes, func(h home) bool { return h.Network == shared[0].Network }) {
			homes = append(homes, home{Network: shared[0].Network})
		}
		p.before.Containers = append(p.before.Containers, g.lent)
	}
	for _, g := range replicas {
		p.before.Containers = append(p.before.Containers, g.lent)
	}
	p.before.Project, p.homes = p.name, homes
	return nil
}

func rank(h, first home) int {
	if h.Network == first.Network {
		return 0
	}
	return 1
}

// on says whether it is on that network.
func (l lent) on(network string) bool {
	return slices.ContainsFunc(l.Homes, func(h home) bool { return h.Network == network })
}
