package docker

import (
	"context"
	"fmt"

	containerapi "github.com/moby/moby/api/types/container"
	networkapi "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Detach takes it off its networks. Its connections stay open and carry nothing.
func (c *container) Detach(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	for _, h := range c.spec.homes {
		if _, err := c.engine().NetworkDisconnect(ctx, h.Network, client.NetworkDisconnectOptions{Container: c.id}); err != nil {
			return fmt.Errorf("detach %s: %w", c.spec.name, err)
		}
	}
	return nil
}

// Attach puts it back, under its names.
func (c *container) Attach(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	found, err := c.inspect(ctx)
	if err == nil {
		_, err = attach(ctx, c.engine(), found, c.spec.homes)
	}
	if err == nil {
		err = c.readdress(ctx)
	}
	if err != nil {
		return fmt.Errorf("attach %s: %w", c.spec.name, err)
	}
	return nil
}

// attach puts a container on those of its networks that it is not on, and says
// whether there were any.
func attach(ctx context.Context, engine *client.Client, found containerapi.InspectResponse, homes []home) (did bool, err error) {
	for _, h := range homes {
		if _, on := found.NetworkSettings.Networks[h.Network]; on {
			continue
		}
		end := &networkapi.EndpointSettings{Aliases: h.Aliases}
		if h.Address.IsValid() {
			end.IPAMConfig = &networkapi.EndpointIPAMConfig{IPv4Address: h.Address}
		}
		if _, err := engine.NetworkConnect(ctx, h.Network, client.NetworkConnectOptions{Container: found.ID, EndpointConfig: end}); err != nil {
			return did, err
		}
		did = true
	}
	return did, nil
}

// readdress notes an address that may be another one than before.
func (c *container) readdress(ctx context.Context) error {
	found, err := c.inspect(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	if c.run != nil {
		c.run.ips = c.ipsOf(found)
	}
	c.mu.Unlock()
	return c.hasMoved(ctx)
}
