package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/containerd/errdefs"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
)

// project is a project of compose that has been adopted.
type project struct {
	substrate *Substrate
	name      string
	before    before
	found     map[string][]guest // by service
	homes     []home             // of the holder: the first is where it stands for the witness
	port      uint16             // of the witness, as replicas know it
	holder    *holder

	mu      sync.Mutex
	closed  bool
	members []*adopted
	turns   map[string][]*turn // by the replica that they are for
	links   []closingLink
}

// turn is where a link begins: with what a replica knows as a port of a store, or
// of the witness, which the holder stands for.
type turn struct {
	to   *container // nil for the holder
	port uint16
	via  netip.AddrPort
	last string // address of to when it last had one
}

// take makes the holder, which says how everything was, and then keeps the engine
// from starting by itself what a fault has ended.
func (p *project) take(ctx context.Context) error {
	label, err := p.before.label()
	if err != nil {
		return err
	}
	p.holder, err = p.substrate.newHolder(ctx, containerSpec{
		// The engine gives a name once: nobody else drills the project.
		name: "holder-of-" + p.name, title: projectTitle(p.name), homes: p.homes,
		labels: map[string]string{labelProject: label},
	})
	if err != nil {
		return err
	}
	switch err := p.holder.start(ctx); {
	case errdefs.IsConflict(err):
		return &drills.EnvironmentError{
			Missing: "a project that nobody else drills", Err: err,
			Hint: "wait for the other drill to end; what a dead one has left `drillrun heal` undoes",
		}
	case err != nil:
		return err
	}
	for _, l := range p.before.Containers {
		if err := l.stay(ctx, p.substrate.provider.engine); err != nil {
			return err
		}
	}
	return nil
}

// projectTitle is what the holder of a project is called in the engine.
func projectTitle(project string) string { return "drillrun-project-" + project }

// newLink places a proxy beside the holder, and has a replica's connections to the
// dependency lead there.
func (p *project) newLink(ctx context.Context, spec drills.LinkSpec) (closingLink, error) {
	to, port := p.substrate.at(spec.Upstream)
	network := p.homes[0].Network
	if to != nil {
		network = to.network()
	} else {
		port = p.port
	}
	l, err := link.Open(ctx, link.Config{
		From: spec.From, To: spec.To, Upstream: spec.Upstream, DialWith: p.substrate.dialer(spec.Upstream),
		Listen: net.JoinHostPort(p.holder.ips[network], "0"), ListenWith: p.holder.namespace.listen,
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.links = append(p.links, l)
	p.turns[spec.From] = append(p.turns[spec.From], &turn{to: to, port: port, via: netip.MustParseAddrPort(l.Addr())})
	p.mu.Unlock()
	return l, p.reroute(ctx)
}

// reroute brings the detours of every replica up to date, in the namespaces and to
// the addresses that there are now.
func (p *project) reroute(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	var errs []error
	for _, m := range p.members {
		turns, r := p.turns[m.spec.name], m.running()
		if len(turns) == 0 || r == nil {
			continue
		}
		all, err := p.detours(turns)
		if err == nil {
			err = m.divert(r.pid, all)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it has just ended: the next start brings it here again
			errs = append(errs, fmt.Errorf("lead the connections of %s to its links: %w", m.spec.name, err))
		}
	}
	return errors.Join(errs...)
}

// detours of what does not run are from the address that it had: it may well have
// the same again.
func (p *project) detours(turns []*turn) (all []detour, err error) {
	for _, t := range turns {
		if t.to == nil {
			t.last = p.holder.ips[p.homes[0].Network]
		} else if ip, err := t.to.ip(); err == nil {
			t.last = ip
		}
		addr, err := netip.ParseAddr(t.last)
		if err != nil {
			return nil, err
		}
		all = append(all, detour{from: netip.AddrPortFrom(addr, t.port), to: t.via})
	}
	return all, nil
}

// guest is one container of a service, as it was found.
func (p *project) guest(service string, number int) (guest, error) {
	all := p.found[service]
	if number < 1 || number > len(all) {
		return guest{}, fmt.Errorf("the project has no container %d of the service %s that takes part", number, service)
	}
	return all[number-1], nil
}

// close leaves the project as it was: first connections go where they would
// without us, then the links end, then everything else is undone. A holder whose
// project could not be put back stays, and is found by [Heal].
func (p *project) close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	members, links := slices.Clone(p.members), slices.Clone(p.links)
	p.mu.Unlock()
	var errs []error
	for _, m := range members {
		if r := m.running(); r != nil {
			if err := straighten(r.pid); !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	for _, l := range links {
		errs = append(errs, l.Close(ctx))
	}
	for _, m := range members {
		errs = append(errs, m.release(ctx))
	}
	if p.holder == nil || p.holder.container.id == "" {
		return errors.Join(errs...) // it was never taken
	}
	_, err := p.before.putBack(ctx, p.substrate.provider.engine)
	if err != nil {
		return errors.Join(append(errs, err, p.holder.leave(ctx))...)
	}
	return errors.Join(append(errs, p.holder.close(ctx))...)
}
