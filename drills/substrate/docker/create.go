package docker

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	networkapi "github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"

	"github.com/drillrun/drillrun/drills"
)

// make makes the container. A stale one, which has no data, goes.
func (c *container) make(ctx context.Context) error {
	c.mu.Lock()
	stale := c.stale
	c.stale = false
	c.mu.Unlock()
	if stale {
		if err := c.discard(ctx); err != nil {
			return err
		}
	}
	if c.id != "" {
		return nil
	}
	made, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{ContainerRequest: c.request()})
	if made != nil {
		c.id = made.GetContainerID()
	}
	if err != nil {
		return fmt.Errorf("make a container of %s: %w", c.spec.image, err)
	}
	return nil
}

func (c *container) request() testcontainers.ContainerRequest {
	s := c.substrate
	labels := s.labels(c.spec.name, c.spec.labels)
	var networks []string
	aliases := map[string][]string{}
	for _, h := range c.spec.homes {
		networks = append(networks, h.Network)
		aliases[h.Network] = h.Aliases
	}
	var exposed []string
	for port := range c.spec.ports {
		exposed = append(exposed, tcp(port).String())
	}
	return testcontainers.ContainerRequest{
		Name:       cmp.Or(c.spec.title, containerName(s.drill, c.spec.name)),
		Image:      c.spec.image,
		Entrypoint: c.spec.entrypoint,
		Cmd:        c.spec.command,
		Labels:     labels,
		// Without any, those of the image are published, for everybody.
		ExposedPorts:   exposed,
		Files:          c.spec.files,
		Networks:       networks,
		NetworkAliases: aliases,
		ConfigModifier: func(config *containerapi.Config) {
			if c.spec.labels[labelProject] != "" {
				for name := range testcontainers.GenericLabels() { // by which its reaper finds what to remove
					delete(config.Labels, name)
				}
			}
			config.Hostname = c.spec.name
			config.Env = c.environment()
		},
		HostConfigModifier: func(host *containerapi.HostConfig) {
			host.PortBindings = networkapi.PortMap{}
			for port, addr := range c.spec.ports {
				host.PortBindings[tcp(port)] = []networkapi.PortBinding{binding(addr)}
			}
			host.Resources = resources(c.limited())
			if c.spec.data != "" { // without a name, so that it goes with the container
				host.Mounts = append(host.Mounts, mount.Mount{
					Type: mount.TypeVolume, Target: c.spec.data,
					VolumeOptions: &mount.VolumeOptions{Labels: s.labels(c.spec.name, nil)},
				})
			}
		},
	}
}

// environment is what the spec says, and before it what was configured since.
func (c *container) environment() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := map[string]bool{}
	env := slices.Clone(c.configured)
	for _, variable := range env {
		name, _, _ := strings.Cut(variable, "=")
		names[name] = true
	}
	for _, variable := range c.spec.env {
		if name, _, _ := strings.Cut(variable, "="); !names[name] {
			env = append(env, variable)
		}
	}
	return env
}

func (c *container) limited() drills.Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

func tcp(port uint16) networkapi.Port { return networkapi.MustParsePort(fmt.Sprintf("%d/tcp", port)) }

// binding is an address of ours, which is known to be well formed.
func binding(addr string) networkapi.PortBinding {
	at := netip.MustParseAddrPort(addr)
	return networkapi.PortBinding{HostIP: at.Addr(), HostPort: fmt.Sprint(at.Port())}
}
