package docker

import (
	"context"
	"fmt"

	networkapi "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Detach takes it off the network. Its connections stay open and carry nothing.
func (c *container) Detach(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	_, err := c.engine().NetworkDisconnect(ctx, c.substrate.network.ID, client.NetworkDisconnectOptions{Container: c.id})
	if err != nil {
		return fmt.Errorf("detach %s: %w", c.spec.name, err)
	}
	return nil
}

// Attach puts it back, under its name.
func (c *container) Attach(ctx context.Context) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	found, err := c.inspect(ctx)
	if err == nil && c.ipOf(found) == "" {
		_, err = c.engine().NetworkConnect(ctx, c.substrate.network.ID, client.NetworkConnectOptions{
			Container:      c.id,
			EndpointConfig: &networkapi.EndpointSettings{Aliases: []string{c.spec.name}},
		})
	}
	if err == nil {
		err = c.readdress(ctx)
	}
	if err != nil {
		return fmt.Errorf("attach %s: %w", c.spec.name, err)
	}
	return nil
}

// readdress notes an address that may be another one than before.
func (c *container) readdress(ctx context.Context) error {
	found, err := c.inspect(ctx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.run != nil {
		c.run.ip = c.ipOf(found)
	}
	return nil
}
