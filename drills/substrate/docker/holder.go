package docker

import (
	"context"
	"errors"
	"fmt"
)

// holder is a container that does nothing but have a network namespace, in which
// the harness listens for replicas.
type holder struct {
	container *container
	namespace namespace
	ip        string // on the network of the drill
}

// newHolder starts it from the image of Redis, which is there and has a sleep.
func (s *Substrate) newHolder(ctx context.Context) (*holder, error) {
	nobody, err := s.host.Port(ctx)
	if err != nil {
		return nil, err
	}
	c := s.newContainer(containerSpec{
		name: "holder", image: s.provider.redis, entrypoint: []string{"sleep"}, command: []string{"infinity"},
		ports: map[uint16]string{redisPort: nobody}, // which the image exposes
	})
	s.scope.Keep(c.remove)
	r, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	h := &holder{container: c, ip: r.ip}
	if h.namespace, err = namespaceOf(r.pid); err != nil {
		return nil, fmt.Errorf("start holder: %w", err)
	}
	s.scope.Keep(func(context.Context) error { return h.namespace.close() })
	if h.ip == "" {
		return nil, errors.New("start holder: it has no address on its network")
	}
	return h, nil
}
