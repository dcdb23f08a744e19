package manifest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
)

const (
	// readyPoll is how often a starting replica is asked whether it is ready.
	readyPoll = 20 * time.Millisecond
	// askTimeout is how long a replica may take to say how it is.
	askTimeout = time.Second
	// lastLines is how much is told of the log of a replica that did not start.
	lastLines = 10
)

// cluster is a started system.
type cluster struct {
	system    *System
	substrate drills.Substrate
	stores    []drills.Store
	replicas  []*replica
}

// replica is one process of the system with the links of its own.
type replica struct {
	process drills.Process
	links   []drills.Link
	addrs   map[string]string // of the links in front of it, by port
}

var (
	_ drills.Cluster = (*cluster)(nil)
	_ drills.Prober  = (*cluster)(nil)
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
	return all
}

// Links lists every link, replica by replica.
func (c *cluster) Links() []drills.Link {
	var all []drills.Link
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
	return &client{newCaller(r.addrs), c.system.submit}, nil
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
	_, err = r.ask(ctx, c.system.replica.ready.request)
	return err
}

// ask sends a request that has an answer only if its status is from 200 to 299.
func (r *replica) ask(ctx context.Context, q requestSpec) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	probe := newCaller(r.addrs)
	defer probe.close()
	status, answer, err := probe.call(ctx, q, nil)
	if err == nil && (status < 200 || status > 299) {
		err = fmt.Errorf("answer %d %s", status, answer)
	}
	return answer, err
}

// awaitReady waits until every replica is ready. Of one that does not get there
// the end of its log is told.
func (c *cluster) awaitReady(ctx context.Context) error {
	within := c.system.replica.ready.within
	waiting, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("it was not ready within %v", within))
	defer cancel()
	for _, r := range c.replicas {
		if err := c.awaitOne(waiting, r.process); err != nil {
			return fmt.Errorf("%w%s", err, r.told(ctx))
		}
	}
	return nil
}

func (c *cluster) awaitOne(ctx context.Context, p drills.Process) error {
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	name := p.Info().Name
	for {
		err := c.Ready(ctx, name)
		switch {
		case err == nil:
			return nil
		case p.Info().PID == 0:
			return fmt.Errorf("%s ended while it was starting", name)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", name, context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// told is the end of what a replica has printed, for an error.
func (r *replica) told(ctx context.Context) string {
	logs, err := r.process.Logs(ctx)
	if err != nil {
		return fmt.Sprintf("; its log: %v", err)
	}
	text, err := io.ReadAll(logs)
	if err = errors.Join(err, logs.Close()); err != nil {
		return fmt.Sprintf("; its log: %v", err)
	}
	if len(text) == 0 {
		return "; it printed nothing"
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	lines = lines[max(0, len(lines)-lastLines):]
	return "; its log ends with:\n  " + strings.Join(lines, "\n  ")
}

// Close stops everything.
func (c *cluster) Close(ctx context.Context) error { return c.substrate.Close(ctx) }
