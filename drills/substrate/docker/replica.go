package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

const (
	// firstPort is the first on which a replica listens in its container.
	firstPort = 8001
	// replicaGrace is how long a replica may take to end, if its spec does not say.
	replicaGrace = 10 * time.Second
)

// replica is a process of the system that is drilled.
type replica struct {
	*container
	ports map[string]uint16 // of its container, by name
}

var (
	_ drills.Process      = (*replica)(nil)
	_ drills.Ported       = (*replica)(nil)
	_ drills.Configurable = (*replica)(nil)
)

func (s *Substrate) newReplica(ctx context.Context, spec drills.ProcessSpec) (*replica, error) {
	made, err := s.madeOf(ctx, spec)
	if err != nil {
		return nil, err
	}
	r := &replica{ports: map[string]uint16{}}
	made.ports = map[uint16]string{}
	for i, name := range spec.Ports {
		port := uint16(firstPort + i)
		if fixed, err := strconv.ParseUint(name, 10, 16); err == nil {
			port = uint16(fixed)
		} else {
			made.env = append(made.env, fmt.Sprintf("%s=0.0.0.0:%d", name, port))
		}
		if _, taken := made.ports[port]; taken {
			return nil, fmt.Errorf("port %d is there twice", port)
		}
		r.ports[name] = port
		if made.ports[port], err = s.host.Port(ctx); err != nil {
			return nil, err
		}
	}
	made.name, made.role = spec.Name, cmp.Or(spec.Role, drills.RoleReplica)
	made.env = append(made.env, spec.Env...)
	made.ask, made.stop, made.grace = spec.Ask, syscall.SIGTERM, cmp.Or(spec.Grace, replicaGrace)
	r.container = s.newContainer(made)
	return r, nil
}

// madeOf is what a process is made of: an image as it is, or one into which its
// program is packed, where there is nothing else.
func (s *Substrate) madeOf(ctx context.Context, spec drills.ProcessSpec) (containerSpec, error) {
	if spec.Image != "" {
		return containerSpec{image: spec.Image, command: spec.Command, env: []string{"TZ=UTC"}}, s.CheckImage(ctx, spec.Image)
	}
	if len(spec.Command) == 0 {
		return containerSpec{}, errors.New("it has no command")
	}
	program, err := exec.LookPath(spec.Command[0])
	if err != nil {
		return containerSpec{}, err
	}
	packed, err := s.provider.pack(ctx, program)
	return containerSpec{image: packed, command: spec.Command[1:], env: []string{"HOME=/", "TMPDIR=/tmp", "TZ=UTC"}}, err
}

// CheckImage wants the image to be there. It is not asked of a registry: what is
// drilled would depend on the day.
func (s *Substrate) CheckImage(ctx context.Context, name string) error {
	there, err := image.Present(ctx, s.provider.engine, name)
	if err == nil && !there {
		err = &drills.EnvironmentError{
			Missing: "the image " + name, Err: errors.New("the engine does not have it"),
			Hint: fmt.Sprintf("build it, or `docker pull %s`, or `docker load`", name),
		}
	}
	return err
}

// Addr is the host:port at which that port of the spec is published, or "".
func (r *replica) Addr(port string) string { return r.spec.ports[r.ports[port]] }

// Configure has the next starts see these variables. It has no data that a new
// container would miss.
func (r *replica) Configure(variables ...string) { r.configure(variables) }
