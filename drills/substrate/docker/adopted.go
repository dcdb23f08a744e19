package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
	"github.com/drillrun/drillrun/drills/substrate/stores"
)

// adopted is a container of the project.
type adopted struct {
	*container
	was    guest
	ports  map[string]uint16 // by name
	access *stores.Access    // of a store, by which it is seen to take connections; nil where that is nobody's to know
	door   string            // where it is seen so, past all links

	// Of its present life, under the lock of the project.
	pid int
	led []netip.AddrPort // from which there have been detours
}

// divert has it take these detours. An address to which it has had none is one to
// which it may have connections already; an address to which it has, it knows by
// links alone.
func (a *adopted) divert(pid int, all []detour) error {
	if a.pid != pid {
		a.pid, a.led = pid, nil
	}
	var fresh []netip.AddrPort
	for _, d := range all {
		if !slices.Contains(a.led, d.from) {
			fresh = append(fresh, d.from)
		}
	}
	if err := divert(pid, all, fresh); err != nil {
		return err
	}
	a.led = append(a.led, fresh...)
	return nil
}

// adoptedStore is a store of the project that one can log in to.
type adoptedStore struct{ *adopted }

var (
	_ drills.Process    = (*adopted)(nil)
	_ drills.Ported     = (*adopted)(nil)
	_ drills.Terminator = (*adopted)(nil)
	_ drills.Limiter    = (*adopted)(nil)
	_ drills.Aliased    = (*adopted)(nil)
	_ drills.Store      = adoptedStore{}
)

// adopt takes up the life of a container of the project.
func (s *Substrate) adopt(ctx context.Context, spec drills.ProcessSpec) (drills.Process, error) {
	p := s.adopting()
	if p == nil {
		return nil, errors.New("no project has been adopted")
	}
	was, err := p.guest(spec.Adopted.Service, spec.Adopted.Number)
	if err != nil {
		return nil, err
	}
	a := &adopted{was: was, ports: map[string]uint16{}}
	ports := map[uint16]string{}
	for _, name := range spec.Ports {
		port, err := strconv.ParseUint(name, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("port %q: want the number of one on which it listens", name)
		}
		a.ports[name] = uint16(port)
		if ports[uint16(port)], err = s.host.Port(ctx); err != nil {
			return nil, err
		}
	}
	a.container = s.newContainer(containerSpec{
		name: spec.Name, role: cmp.Or(spec.Role, drills.RoleReplica), homes: was.Homes, peer: p.holder, ports: ports,
		ask: spec.Ask, stop: was.stopSignal(), grace: cmp.Or(spec.Grace, was.stopTimeout()),
		moved: p.reroute, since: time.Now(), tty: was.config.Tty,
	})
	a.id = was.ID
	if err := a.open(ctx, p, spec); err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.members = append(p.members, a)
	p.mu.Unlock()
	s.know(a.container)
	r, err := a.takeUp(ctx)
	if err == nil {
		err = a.awaitReady(ctx, r) // the project may only just have been started
	}
	if err != nil {
		return nil, err
	}
	if spec.Adopted.URL == "" {
		return a, nil
	}
	return adoptedStore{a}, nil
}

// open makes the door of a store whose ways are known.
func (a *adopted) open(ctx context.Context, p *project, spec drills.ProcessSpec) error {
	access, err := stores.Foreign(a.spec.role, spec.Adopted.URL)
	if errors.Is(err, drills.ErrUnsupported) && spec.Adopted.URL == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if len(spec.Ports) != 1 {
		return fmt.Errorf("a %s has one port", a.spec.role)
	}
	port := a.ports[spec.Ports[0]]
	l, err := link.Open(ctx, link.Config{
		From: clients, To: spec.Name, Listen: a.spec.ports[port],
		DialWith: func(ctx context.Context, _ string) (net.Conn, error) { return a.dial(ctx, port) },
	})
	if err != nil {
		return err
	}
	a.access, a.door = &access, l.Addr()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links = append(p.links, l)
	return nil
}

// Addr is the host:port that links to that port lead to.
func (a *adopted) Addr(port string) string { return a.spec.ports[a.ports[port]] }

// Aliases are what it may call itself.
func (a *adopted) Aliases() []string { return []string{a.was.config.Hostname, a.was.Name} }

// Start starts it, with the detours that it had. A store whose ways are known takes
// connections when it returns.
func (a *adopted) Start(ctx context.Context) error {
	r, err := a.start(ctx)
	if err != nil {
		return err
	}
	return a.awaitReady(ctx, r)
}

// awaitReady returns once a store whose ways are known takes connections.
func (a *adopted) awaitReady(ctx context.Context, r *run) error {
	if a.access == nil {
		return nil
	}
	if err := a.access.AwaitReady(ctx, a.door, r.ended); err != nil {
		return a.withLastWords(ctx, fmt.Errorf("start %s: %w", a.spec.name, err))
	}
	return nil
}

// Limit refuses what has limits of its own in the project: they would be lost.
func (a *adopted) Limit(ctx context.Context, l drills.Limits) error {
	if a.was.Limited {
		return fmt.Errorf("limit %s: %w: the project gives it limits of its own", a.spec.name, drills.ErrUnsupported)
	}
	return a.container.Limit(ctx, l)
}

// Addr is the host:port of its door.
func (s adoptedStore) Addr() string { return s.door }

// URL is what a client dials that reaches the store at addr.
func (s adoptedStore) URL(addr string) string { return s.access.URL(addr) }

// stopSignal is what the project stops it with.
func (g guest) stopSignal() syscall.Signal {
	name := strings.ToUpper(g.config.StopSignal)
	if n, err := strconv.Atoi(name); err == nil {
		return syscall.Signal(n)
	}
	if name != "" && !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	return cmp.Or(unix.SignalNum(name), syscall.SIGTERM)
}

// stopTimeout is how long the project gives it to end.
func (g guest) stopTimeout() time.Duration {
	if g.config.StopTimeout == nil {
		return replicaGrace // which is the engine's, too
	}
	return time.Duration(*g.config.StopTimeout) * time.Second
}
