package jobs

// The kinds of jobs. DefaultKind is the kind of a submission that names none.
const (
	DefaultKind = "effect"
	Provision   = "provision"
	Cluster     = "cluster"
	Pipeline    = "pipeline"
)

// Lane is a queue of its own, with workers of its own: however many jobs wait
// in one, those in the others do not wait behind them.
type Lane string

// The lanes. DefaultLane is for DefaultKind and for every kind that nobody
// knows.
const (
	DefaultLane   Lane = "default"
	ProvisionLane Lane = Provision
	ClusterLane   Lane = Cluster
	PipelineLane  Lane = Pipeline
)

// Lanes are all lanes.
func Lanes() []Lane { return []Lane{DefaultLane, ProvisionLane, ClusterLane, PipelineLane} }

// LaneOf is the lane of the jobs of a kind.
func LaneOf(kind string) Lane {
	switch kind {
	case Provision, Cluster, Pipeline:
		return Lane(kind)
	}
	return DefaultLane
}
