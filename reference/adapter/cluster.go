package adapter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// readyPoll is how often a starting replica is asked whether it is ready.
const readyPoll = 10 * time.Millisecond

// cluster is a started reference: two stores, the replicas and their links.
type cluster struct {
	substrate drills.Substrate
	postgres  drills.Store
	redis     drills.Store
	replicas  []*replica
	look      *look // into the stores, past all links
}

// replica is one process of the reference with the links of its own.
type replica struct {
	process drills.Process
	api     drills.Link // in front of its API
	links   []drills.Link
	token   string // of its API
}

var (
	_ drills.Cluster        = (*cluster)(nil)
	_ drills.Prober         = (*cluster)(nil)
	_ drills.Inspector      = (*cluster)(nil)
	_ drills.LeaderReporter = (*cluster)(nil)
	_ drills.QueueReporter  = (*cluster)(nil)
)

// Processes lists the replicas, then the stores.
func (c *cluster) Processes() []drills.Process {
	var all []drills.Process
	for _, r := range c.replicas {
		all = append(all, r.process)
	}
	return append(all, c.postgres, c.redis)
}

// Links lists every link, replica by replica.
func (c *cluster) Links() []drills.Link {
	var all []drills.Link
	for _, r := range c.replicas {
		all = append(all, r.links...)
	}
	return all
}

// Open returns a client of that replica's API.
func (c *cluster) Open(_ context.Context, name string) (drills.Client, error) {
	r, err := c.replica(name)
	if err != nil {
		return nil, err
	}
	return newClient(r.api.Addr(), r.token), nil
}

func (c *cluster) replica(name string) (*replica, error) {
	for _, r := range c.replicas {
		if r.process.Info().Name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("no replica %q", name)
}

// Ready asks the replica itself, through the link in front of it.
func (c *cluster) Ready(ctx context.Context, name string) error {
	r, err := c.replica(name)
	if err != nil {
		return err
	}
	probe := newClient(r.api.Addr(), r.token)
	return errors.Join(probe.ready(ctx), probe.Close())
}

// Leaderships reads who holds which leadership from Postgres.
func (c *cluster) Leaderships(ctx context.Context) ([]drills.Leadership, error) {
	return c.look.leaderships(ctx)
}

// Waiter reads who is next in the queue for the leadership from Postgres. It
// waits for half the ttl and joins the queue again, at its end; one that has
// waited for longer does not leave at all.
func (c *cluster) Waiter(ctx context.Context) (string, time.Duration, error) {
	name, waited, err := c.look.waiter(ctx)
	left := leadershipTTL/2 - waited
	if left < -leadershipTTL/10 {
		left = startDeadline
	}
	return name, max(0, left), err
}

// Inspect counts what every store holds, and the goroutines of the replicas
// that run.
func (c *cluster) Inspect(ctx context.Context) (drills.Snapshot, error) {
	snapshot, err := c.look.inspect(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range c.replicas {
		info := r.process.Info()
		if info.PID == 0 {
			continue
		}
		probe := newClient(r.api.Addr(), r.token)
		n, err := probe.goroutines(ctx)
		if err = errors.Join(err, probe.Close()); err != nil {
			return nil, fmt.Errorf("count the goroutines of %s: %w", info.Name, err)
		}
		snapshot[history.CountGoroutines] += n
	}
	return snapshot, nil
}

// awaitReady waits until every replica is ready. A replica that has ended is
// told at once, with the end of its log.
func (c *cluster) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for _, r := range c.replicas {
		name := r.process.Info().Name
		for {
			err := c.Ready(ctx, name)
			if err == nil {
				break
			}
			if r.process.Info().PID == 0 {
				return fmt.Errorf("%s ended while it was starting: see its log", name)
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s did not get ready: %w: %w", name, ctx.Err(), err)
			case <-tick.C:
			}
		}
	}
	return nil
}

// awaitLeaders gives the first leaders time to appear, so that what they hold is
// part of every baseline. One that does not come is for the drill to find.
func (c *cluster) awaitLeaders(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, leadershipTTL)
	defer cancel()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	for {
		if led, err := c.Leaderships(ctx); err == nil && len(led) >= n {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Close stops everything.
func (c *cluster) Close(ctx context.Context) error {
	var err error
	if c.look != nil {
		err = c.look.close()
		c.look = nil
	}
	return errors.Join(err, c.substrate.Close(ctx))
}
