package manifest

import (
	"context"
	"errors"
	"fmt"

	"github.com/drillrun/drillrun/drills"
)

// cluster is a started system.
type cluster struct {
	system    *System
	substrate drills.Substrate
	stores    []drills.Store
	brought   []*member // stores that the system brings along
	replicas  []*member
	bearers   []*bearer // of replicas that cannot be told their tokens
}

var (
	_ drills.Cluster = (*cluster)(nil)
	_ drills.Prober  = (*cluster)(nil)
	_ drills.Lasting = (*cluster)(nil)
)

// Processes lists the replicas, then the stores.
func (c *cluster) Processes() []drills.Process {
	var all []drills.Process
	for _, r := range c.replicas {
		all = append(all, r.process)
	}
	for _, s := range c.stores {
		all = append(all, s)
	}
	for _, b := range c.brought {
		all = append(all, b.process)
	}
	return all
}

// Links lists every link, replica by replica, after those in front of stores.
func (c *cluster) Links() []drills.Link {
	var all []drills.Link
	for _, b := range c.brought {
		all = append(all, b.links...)
	}
	for _, r := range c.replicas {
		all = append(all, r.links...)
	}
	return all
}

// Open returns a client of that replica.
func (c *cluster) Open(_ context.Context, name string) (drills.Client, error) {
	r, err := c.replica(name)
	if err != nil {
		return nil, err
	}
	return c.system.client(r.addrs), nil
}

func (c *cluster) replica(name string) (*member, error) {
	for _, r := range c.replicas {
		if r.called(name) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no replica %q", name)
}

// running are the replicas that run.
func (c *cluster) running() (found []*member) {
	for _, r := range c.replicas {
		if r.process.Info().PID != 0 {
			found = append(found, r)
		}
	}
	return found
}

// Ready asks the replica itself, through the link in front of it.
func (c *cluster) Ready(ctx context.Context, name string) error {
	r, err := c.replica(name)
	if err != nil {
		return err
	}
	return r.ready(ctx)
}

// Lasts says that what it keeps is there after the drill: it keeps it in a project
// that was there before.
func (c *cluster) Lasts() bool { return c.system.compose != nil }

// Close stops everything, and those that spoke for replicas last.
func (c *cluster) Close(ctx context.Context) error {
	err := c.substrate.Close(ctx)
	for _, b := range c.bearers {
		err = errors.Join(err, b.close())
	}
	return err
}
