package manifest

import (
	"context"
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/drills"
)

// backendVariable has the URL of a backend of the witness.
func backendVariable(name string) string { return "backends." + name + ".url" }

// findBackends notes which backends replicas are told of: they have links to
// those alone.
func (r *reader) findBackends() {
	for _, name := range drills.BackendNames() {
		if slices.ContainsFunc(r.starts, func(s started) bool { return s.template.uses(backendVariable(name)) }) {
			r.system.backends = append(r.system.backends, name)
		}
	}
}

// linkBackends places the links of a replica to the backends that it is told of.
func (c *cluster) linkBackends(ctx context.Context, m *member, name string, env drills.Environment, values map[string]string) error {
	for _, to := range c.system.backends {
		upstream, ok := env.Backends[to]
		if !ok {
			return fmt.Errorf("link %s to %s: the drill has no such backend", name, to)
		}
		l, err := c.link(ctx, m, drills.LinkSpec{From: name, To: to, Upstream: upstream})
		if err != nil {
			return err
		}
		values[backendVariable(to)] = "http://" + l.Addr()
	}
	return nil
}
