package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/drillrun/drillrun/drills"
)

// wire is a direct link: what the replica dials is the store itself, by its name
// on the network. It can lose packets and nothing else.
type wire struct {
	substrate *Substrate
	from, to  string
	port      uint16 // of the store

	mu    sync.Mutex
	drops *filter // nil while it is healthy
}

var (
	_ drills.Link    = (*wire)(nil)
	_ drills.Dropper = (*wire)(nil)
)

func (s *Substrate) newWire(spec drills.LinkSpec) (*wire, error) {
	to, ok := s.container(spec.To)
	if !ok || spec.From == clients {
		return nil, fmt.Errorf("a direct link that is not between containers: %w", drills.ErrUnsupported)
	}
	for port, addr := range to.spec.ports {
		if addr == spec.Upstream {
			return &wire{substrate: s, from: spec.From, to: spec.To, port: port}, nil
		}
	}
	return nil, fmt.Errorf("%s is not at %s", spec.To, spec.Upstream)
}

// Ends are the names of the replica and of the store.
func (w *wire) Ends() (from, to string) { return w.from, w.to }

// Addr is the name of the store, with its port.
func (w *wire) Addr() string { return net.JoinHostPort(w.to, strconv.Itoa(int(w.port))) }

// Degrade drops packets, in the replica's network namespace as it is now: a
// replica that is started again has a new one, and a healthy link.
func (w *wire) Degrade(_ context.Context, d drills.Degradation) error {
	if err := w.degrade(d); err != nil {
		return fmt.Errorf("degrade link %s->%s (%s): %w", w.from, w.to, d.Kind, err)
	}
	return nil
}

func (w *wire) degrade(d drills.Degradation) error {
	if d.Kind != drills.Drop {
		return fmt.Errorf("the link is direct: %w", drills.ErrUnsupported)
	}
	if !slices.Contains([]drills.Direction{drills.Both, drills.Requests, drills.Replies}, d.Direction) {
		return fmt.Errorf("direction %q: %w", d.Direction, drills.ErrUnsupported)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.drops != nil {
		if err := w.heal(); err != nil {
			return err
		}
	}
	from, ok := w.substrate.container(w.from)
	if !ok {
		return errors.New("its replica was not launched")
	}
	pid := from.Info().PID
	if pid == 0 {
		return drills.ErrNotRunning
	}
	to, _ := w.substrate.container(w.to)
	peer, err := to.ip()
	if err != nil {
		return fmt.Errorf("%s: %w", w.to, err)
	}
	w.drops, err = newFilter(pid, peer, w.port, d.Direction)
	return err
}

// Dropped is how many packets it has lost since it was degraded.
func (w *wire) Dropped(context.Context) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.drops == nil {
		return 0, nil
	}
	return w.drops.count()
}

// Heal lets packets pass.
func (w *wire) Heal(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.drops == nil {
		return nil
	}
	if err := w.heal(); err != nil {
		return fmt.Errorf("heal link %s->%s: %w", w.from, w.to, err)
	}
	return nil
}

func (w *wire) heal() error {
	err := w.drops.remove()
	if err == nil {
		w.drops = nil
	}
	return err
}

// Close heals it.
func (w *wire) Close(ctx context.Context) error { return w.Heal(ctx) }
