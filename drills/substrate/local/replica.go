package local

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// defaultGrace is how long a process may take to end when it is asked to.
const defaultGrace = 10 * time.Second

// replica is a process of the system that is drilled.
type replica struct {
	*process.Process
	addrs map[string]string // by port name
}

var (
	_ drills.Process    = (*replica)(nil)
	_ drills.Pauser     = (*replica)(nil)
	_ drills.Terminator = (*replica)(nil)
	_ drills.Exiter     = (*replica)(nil)
	_ drills.Ported     = (*replica)(nil)
)

func (s *Substrate) newReplica(ctx context.Context, spec drills.ProcessSpec) (*replica, error) {
	if spec.Image != "" {
		return nil, fmt.Errorf("image %s: %w", spec.Image, drills.ErrUnsupported)
	}
	home := filepath.Join(s.dir, spec.Name)
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home, "TZ=UTC"}
	r := &replica{addrs: map[string]string{}}
	for _, port := range spec.Ports {
		addr, err := s.host.Port(ctx)
		if err != nil {
			return nil, err
		}
		r.addrs[port] = addr
		env = append(env, port+"="+addr)
	}
	if spec.Grace == 0 {
		spec.Grace = defaultGrace
	}
	r.Process = process.New(s.provider.launcher, process.Spec{
		Name:    spec.Name,
		Role:    cmp.Or(spec.Role, drills.RoleReplica),
		Command: slices.Clone(spec.Command),
		Env:     append(env, spec.Env...),
		Log:     s.log(spec.Name),
		Stop:    syscall.SIGTERM,
		Ask:     spec.Ask,
		Quit:    syscall.SIGKILL,
		Grace:   spec.Grace,
	})
	return r, nil
}

// Addr is the host:port behind that name of the spec's Ports, or "".
func (r *replica) Addr(port string) string { return r.addrs[port] }
