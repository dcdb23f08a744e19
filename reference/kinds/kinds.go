package kinds

import (
	"encoding/json"
	"fmt"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/jobs"
)

// The nodes of a cluster.
const (
	defaultNodes = 5
	maxNodes     = 50
)

// payload is what the jobs of these kinds may ask for. It may be absent.
type payload struct {
	Nodes int `json:"nodes"` // of a cluster; defaultNodes where 0
}

// size reads how large the resource of a job of that kind is to be.
func size(kind string, text json.RawMessage) (int, error) {
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return 0, fmt.Errorf("read payload: %w", err)
	}
	switch {
	case kind != jobs.Cluster:
		return 1, nil
	case p.Nodes == 0:
		return defaultNodes, nil
	case p.Nodes < 0 || p.Nodes > maxNodes:
		return 0, fmt.Errorf("nodes is %d: want 1 to %d", p.Nodes, maxNodes)
	}
	return p.Nodes, nil
}

// step is one part of a job's work.
type step struct {
	name string
	to   backends.Name
	each bool // one call for each unit of the resource's size, all at once
}

// plans are the steps of each kind, in their order.
var plans = map[string][]step{
	jobs.Provision: {
		{name: "reserve", to: backends.Compute},
		{name: "create", to: backends.Compute},
		{name: "attach", to: backends.Network},
		{name: "volume", to: backends.Storage},
		{name: "name", to: backends.DNS},
	},
	jobs.Cluster: {
		{name: "reserve", to: backends.Compute},
		{name: "nodes", to: backends.Compute, each: true},
		{name: "balance", to: backends.LoadBalancer},
		{name: "name", to: backends.DNS},
	},
	jobs.Pipeline: {
		{name: "fetch", to: backends.Storage},
		{name: "build", to: backends.Compute},
		{name: "publish", to: backends.Storage},
		{name: "route", to: backends.LoadBalancer},
	},
}
