package docker

import (
	"errors"
	"net/netip"

	containerapi "github.com/moby/moby/api/types/container"

	"github.com/drillrun/drillrun/drills"
)

// home is a network that a container is on, and how it is found there.
type home struct {
	Network string
	Aliases []string
	Address netip.Addr // asked for; the engine's choice by default
}

// ipsOf are its addresses, by network: one for each of its homes that it is on.
func (c *container) ipsOf(found containerapi.InspectResponse) map[string]string {
	ips := map[string]string{}
	for _, h := range c.spec.homes {
		if end, ok := found.NetworkSettings.Networks[h.Network]; ok && end.IPAddress.IsValid() {
			ips[h.Network] = end.IPAddress.String()
		}
	}
	return ips
}

// ip is its address on the first of its networks, or was until it was detached.
func (c *container) ip() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run == nil {
		return "", drills.ErrNotRunning
	}
	ip, ok := c.run.ips[c.network()]
	if !ok {
		return "", errors.New("it is off its network")
	}
	return ip, nil
}

// network is the first that it is on, by which it is reached.
func (c *container) network() string { return c.spec.homes[0].Network }
