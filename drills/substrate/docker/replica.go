package docker

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
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
	if len(spec.Command) == 0 {
		return nil, errors.New("it has no command")
	}
	program, err := exec.LookPath(spec.Command[0])
	if err != nil {
		return nil, err
	}
	packed, err := s.provider.pack(ctx, program)
	if err != nil {
		return nil, err
	}
	r := &replica{ports: map[string]uint16{}}
	env := []string{"HOME=/", "TMPDIR=/tmp", "TZ=UTC"}
	published := map[uint16]string{}
	for i, name := range spec.Ports {
		port := uint16(firstPort + i)
		r.ports[name] = port
		if published[port], err = s.host.Port(ctx); err != nil {
			return nil, err
		}
		env = append(env, fmt.Sprintf("%s=0.0.0.0:%d", name, port))
	}
	if spec.Grace == 0 {
		spec.Grace = replicaGrace
	}
	r.container = s.newContainer(containerSpec{
		name: spec.Name, role: drills.RoleReplica, image: packed, command: spec.Command[1:],
		env: append(env, spec.Env...), ports: published, stop: syscall.SIGTERM, grace: spec.Grace,
	})
	return r, nil
}

// Addr is the host:port at which that port of the spec is published, or "".
func (r *replica) Addr(port string) string { return r.spec.ports[r.ports[port]] }

// Configure has the next starts see these variables. It has no data that a new
// container would miss.
func (r *replica) Configure(variables ...string) { r.configure(variables) }
