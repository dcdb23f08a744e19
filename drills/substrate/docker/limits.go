package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/drillrun/drillrun/drills"
)

const (
	// period is how long a container that has used up its share waits at most.
	period = 50 * time.Millisecond
	// unlimited memory, for an engine that cannot take back a limit.
	unlimited = int64(1) << 50
	// hearsay is how long after the end of a container the engine may tell why.
	hearsay = 2 * time.Second
)

func resources(l drills.Limits) containerapi.Resources {
	r := containerapi.Resources{
		Memory: unlimited, MemorySwap: unlimited,
		CPUPeriod: period.Microseconds(), CPUQuota: -1,
	}
	if l.Memory > 0 {
		r.Memory, r.MemorySwap = l.Memory, l.Memory // no swap beside it
	}
	if l.CPU > 0 {
		r.CPUQuota = int64(l.CPU * float64(period.Microseconds()))
	}
	return r
}

// Limit sets the limits of the control group, now and for later starts.
func (c *container) Limit(ctx context.Context, l drills.Limits) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	r := resources(l)
	if _, err := c.engine().ContainerUpdate(ctx, c.id, client.ContainerUpdateOptions{Resources: &r}); err != nil {
		return fmt.Errorf("limit %s: %w", c.spec.name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = l
	return nil
}

// Usage asks the engine, which asks the control group.
func (c *container) Usage(ctx context.Context) (drills.Usage, error) {
	stats, err := c.stats(ctx)
	if err != nil {
		return drills.Usage{}, fmt.Errorf("usage of %s: %w", c.spec.name, err)
	}
	return drills.Usage{
		Memory:    held(stats.MemoryStats),
		Throttled: time.Duration(stats.CPUStats.ThrottlingData.ThrottledTime),
	}, nil
}

// held is what the kernel cannot take back: all but the pages of files, of which
// those of the program alone may be more than the rest.
func held(m containerapi.MemoryStats) int64 {
	files, old := m.Stats["total_cache"] // the name in control groups v1
	if !old {
		files = m.Stats["file"] - m.Stats["shmem"]
	}
	return int64(m.Usage) - int64(files)
}

func (c *container) stats(ctx context.Context) (stats containerapi.StatsResponse, err error) {
	r := c.running()
	if r == nil {
		return stats, drills.ErrNotRunning
	}
	answer, err := c.engine().ContainerStats(ctx, r.id, client.ContainerStatsOptions{})
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if err := json.NewDecoder(answer.Body).Decode(&stats); err != nil {
		return stats, err
	}
	if stats.MemoryStats.Usage == 0 {
		return stats, drills.ErrNotRunning // it has just ended: the engine knows nothing of it
	}
	return stats, nil
}

// starved says whether the kernel ended it for want of memory. The engine is told
// of that by another way than of the end, and may note it afterwards: its own
// record of the end is not to be relied on.
func (c *container) starved(ctx context.Context, id string, exit drills.Exit) bool {
	c.mu.Lock()
	possible := exit.Signal == syscall.SIGKILL.String() && !c.killed
	c.mu.Unlock()
	if !possible {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, hearsay)
	defer cancel()
	events := c.engine().Events(ctx, client.EventsListOptions{
		Since:   fmt.Sprint(exit.At.Add(-hearsay).Unix()),
		Filters: make(client.Filters).Add("container", id).Add("event", "oom"),
	})
	select {
	case <-events.Messages:
		return true
	case <-events.Err: // at the latest when its time has passed
		return false
	}
}
