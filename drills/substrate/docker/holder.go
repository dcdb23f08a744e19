package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// holder is a container that does nothing but have a network namespace, in which
// the harness listens for replicas.
type holder struct {
	container *container
	namespace namespace
	ips       map[string]string // by network
}

// newHolder makes one of the image of Redis, which is there and has a sleep. It is
// not started yet.
func (s *Substrate) newHolder(ctx context.Context, spec containerSpec) (*holder, error) {
	nobody, err := s.host.Port(ctx)
	if err != nil {
		return nil, err
	}
	spec.image, spec.entrypoint, spec.command = s.provider.redis, []string{"sleep"}, []string{"infinity"}
	spec.ports = map[uint16]string{redisPort: nobody} // which the image exposes
	return &holder{container: s.newContainer(spec)}, nil
}

func (h *holder) start(ctx context.Context) error {
	r, err := h.container.start(ctx)
	if err != nil {
		return err
	}
	if h.namespace, err = namespaceOf(r.pid); err != nil {
		return fmt.Errorf("start holder: %w", err)
	}
	h.ips = maps.Clone(r.ips)
	if len(h.ips) < len(h.container.spec.homes) {
		return errors.New("start holder: it has no address on its network")
	}
	return nil
}

func (h *holder) close(ctx context.Context) error {
	return errors.Join(h.container.remove(ctx), h.forget())
}

// leave has it stay when the harness goes.
func (h *holder) leave(ctx context.Context) error {
	return errors.Join(h.container.release(ctx), h.forget())
}

// forget closes its namespace, if it got as far as having one.
func (h *holder) forget() error {
	if h.namespace.file == nil {
		return nil
	}
	return h.namespace.close()
}
