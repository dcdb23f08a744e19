package controlplane

import (
	"strings"
	"time"

	"github.com/drillrun/drillrun/reference/jobs"
	"github.com/drillrun/drillrun/reference/ledger"
	"github.com/drillrun/drillrun/reference/queue"
	"github.com/drillrun/drillrun/reference/worker"
)

// LaneConfig is how a lane is worked in.
type LaneConfig struct {
	Slots int           // jobs at once
	Lease time.Duration // of an execution, and the idle time before reclaim
}

// lanes reads how each lane is worked in. A lease that is not set is the
// common one.
func (e *environment) lanes() map[jobs.Lane]LaneConfig {
	const least = 200 * time.Millisecond
	common := e.duration("LEASE", 10*time.Second, least)
	lanes := map[jobs.Lane]LaneConfig{jobs.DefaultLane: {Slots: e.number("WORKERS", 16), Lease: common}}
	for _, own := range []struct {
		lane  jobs.Lane
		slots int
	}{{jobs.ProvisionLane, 20}, {jobs.ClusterLane, 10}, {jobs.PipelineLane, 5}} {
		name := strings.ToUpper(string(own.lane))
		lanes[own.lane] = LaneConfig{
			Slots: e.number("SLOTS_"+name, own.slots),
			Lease: e.duration("LEASE_"+name, common, least),
		}
	}
	return lanes
}

// Lane is what the worker of a lane is made of.
type Lane struct {
	Lease  time.Duration // the ledger's and the stream's alike
	Stream worker.Queue
	Ledger worker.Ledger
	Slots  worker.Slots
}

func soundLanes(c Config, d Deps) map[jobs.Lane]*Lane {
	lanes := make(map[jobs.Lane]*Lane, len(c.Lanes))
	for name, l := range c.Lanes {
		lanes[name] = &Lane{
			Lease:  l.Lease,
			Stream: queue.New(d.Redis, name, c.Replica, l.Lease, c.limit(), d.Log),
			Ledger: ledger.New(d.Pool, l.Lease, c.limit()),
			Slots:  worker.NewSlots(l.Slots),
		}
	}
	return lanes
}

// soundWorkers are the workers of all lanes.
func soundWorkers(c Config, d Deps, p *Parts) []Runner {
	kinds := p.Kinds(p)
	workers := make([]Runner, 0, len(p.Lanes))
	for name, lane := range p.Lanes {
		workers = append(workers, worker.New(worker.Config{
			Replica: c.Replica, Slots: lane.Slots, Lease: lane.Lease, Sweep: c.Sweep, Grace: c.Grace, MaxFailures: c.MaxFailures,
		}, lane.Stream, lane.Ledger, kinds, d.Metrics, d.Log.With("lane", string(name))))
	}
	return workers
}
