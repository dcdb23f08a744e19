package docker

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

// noReporters refuses a project in which others than the replicas would report to the
// witness: a service of workers beside that of the API. Their effects could not
// arrive, and whatever they do would be held against the system as lost.
func (s *Substrate) noReporters(ctx context.Context, wanted drills.Project, services map[string][]containerapi.Summary) error {
	for service, containers := range services {
		if service == wanted.Service || slices.Contains(wanted.Stores, service) {
			continue
		}
		for _, c := range containers {
			if c.State != containerapi.StateRunning {
				continue // one that prepares something, and has
			}
			answer, err := s.provider.engine.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
			if err != nil {
				return fmt.Errorf("look at a container of %s: %w", service, err)
			}
			if variable := naming(answer.Container.Config.Env, wanted.Witness); variable != "" {
				return fmt.Errorf("%w: the service %s reports to the witness, too (its %s has %s), and only those of %s can: "+
					"one service has all replicas; have each of them do both, or take that variable away from %s",
					drills.ErrUnsupported, service, variable, wanted.Witness, wanted.Service, service)
			}
			break // the others of its service have the same environment
		}
	}
	return nil
}

// naming is the variable of an environment that has an address, or its host alone;
// empty for none.
func naming(environment []string, address string) string {
	host, _, _ := net.SplitHostPort(address)
	for _, variable := range environment {
		if name, value, _ := strings.Cut(variable, "="); strings.Contains(value, address) || value == host && host != "" {
			return name
		}
	}
	return ""
}
