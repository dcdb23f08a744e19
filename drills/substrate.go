package drills

import (
	"context"
	"io"
	"time"
)

// Role says what a process is in its cluster.
type Role string

// The roles of processes.
const (
	RoleReplica  Role = "replica"
	RolePostgres Role = "postgres"
	RoleRedis    Role = "redis"
	RoleStore    Role = "store" // any other, by a program that the system brings along
)

// Substrate is where processes run and how links come to be.
type Substrate interface {
	// Store starts a store of that role and returns once it takes
	// connections.
	Store(ctx context.Context, name string, role Role) (Store, error)
	// Launch starts a replica, or a store that the system brings along. It returns
	// once the process runs; whether it is ready is the system's to know.
	Launch(ctx context.Context, spec ProcessSpec) (Process, error)
	// Link places one proxy between a replica and a dependency.
	Link(ctx context.Context, spec LinkSpec) (Link, error)
	// Close stops every process and link and removes their data. It is safe
	// to call twice.
	Close(ctx context.Context) error
}

// Placed is an optional interface of a Substrate that can say where another
// process finds what would be left of it if its harness died: a folder, the
// label of its containers.
type Placed interface {
	Place() string
}

// Imager is an optional interface of a Substrate that runs images.
type Imager interface {
	// CheckImage says what is missing for that image to be run.
	CheckImage(ctx context.Context, name string) error
}

// Adopter is an optional interface of a Substrate that can take in a project of
// compose which runs already, until it is closed. It changes nothing of the
// project's configuration, and leaves the project behind as it was.
type Adopter interface {
	// Adopt says what is missing for the project to be drilled, and has its
	// containers ready to be launched (see ProcessSpec.Adopted). A project is
	// drilled by one harness at a time.
	Adopt(ctx context.Context, p Project) error
}

// Project is a project of compose that runs already.
type Project struct {
	Name     string
	Service  string   // whose containers are the replicas
	Replicas int      // how many of these there have to be
	Stores   []string // services, each of one container
	// Witness is the host:port at which replicas were told to find the witness.
	// Links of theirs to what is no store lead from there.
	Witness string
}

// Adopted is a container of a project that has been adopted.
type Adopted struct {
	Service string // empty for a process that is none
	Number  int    // of its service's containers, from 1
	// URL is how a client logs in to a store, whatever its address; empty where
	// that is nobody's to know.
	URL string
}

// ProcessSpec describes a process to launch.
type ProcessSpec struct {
	Name    string
	Role    Role     // RoleReplica by default
	Command []string // program and arguments
	// Image is what it is made of where the substrate knows images, in place of a
	// program of this machine: Command is then what follows the image's entrypoint,
	// by default the image's own.
	Image string
	// Adopted is what it is in place of a program or an image: it runs already.
	Adopted Adopted
	Env     []string // KEY=value, in addition to a minimal environment
	// Ports are the ports the process listens on, by the name of the
	// environment variable in which it finds the address ("API_ADDR").
	// The address stays the same across restarts: see Ported. A number is a
	// port on which an image listens without being told.
	Ports []string
	// Ask asks it to end in good order, in place of SIGTERM; nil for that. It ends
	// at the latest with ctx, when the grace has passed. An error says that the
	// process will not have heard, or refused.
	Ask func(ctx context.Context) error
	// Grace is how long a terminated process may take before it is killed.
	Grace time.Duration
}

// Ported is an optional interface of a Process with listening addresses.
type Ported interface {
	// Addr is the host:port behind that name of ProcessSpec.Ports.
	Addr(port string) string
}

// LinkSpec describes one directed network dependency.
type LinkSpec struct {
	From, To string // process names; "clients" is where clients come from
	Upstream string // host:port of the dependency itself
	// Direct asks for a link without a proxy: what it carries are the packets of
	// the replica itself, which can be dropped (see Drop) and nothing else.
	Direct bool
}

// ProcessInfo names a process.
type ProcessInfo struct {
	Name string
	Role Role
	PID  int // 0 while it does not run
}

// Aliased is an optional interface of a Process that may call itself otherwise than
// it is called here, such as by the name of its host.
type Aliased interface {
	Aliases() []string
}

// Exit says how a process ended.
type Exit struct {
	At     time.Time // when it was reaped
	Code   int       // exit status, -1 when ended by a signal
	Signal string    // "killed", "terminated", ... or empty
	// OutOfMemory says that the kernel ended it, because it wanted more memory
	// than it may have.
	OutOfMemory bool
}

// Process is a replica or a store that runs, or ran and can be started again.
type Process interface {
	Info() ProcessInfo
	// Start starts a process that does not run, with the same name, data,
	// environment and addresses as before. Starting a running one is an error.
	Start(ctx context.Context) error
	// Kill sends SIGKILL and returns once the process is reaped. Killing one
	// that does not run is ErrNotRunning.
	Kill(ctx context.Context) error
	// Logs returns everything it has printed so far, across restarts.
	Logs(ctx context.Context) (io.ReadCloser, error)
}

// Exiter is an optional interface of a Process that can tell of its end.
type Exiter interface {
	// OnExit has f called at each end of the process, wanted or not, from a
	// goroutine of the substrate's, beside those that are called already. It
	// must be set before it matters.
	OnExit(f func(Exit))
}

// Configurable is an optional interface of a Process whose environment can be
// changed.
type Configurable interface {
	// Configure has the next starts see these variables (NAME=value) before
	// the process's own of the same names. Without any, its own are back.
	Configure(variables ...string)
}

// Pauser is an optional interface of a Process that can be frozen.
type Pauser interface {
	Pause(ctx context.Context) error // returns once every thread is stopped
	Resume(ctx context.Context) error
}

// Terminator is an optional interface of a Process that can be asked to stop.
type Terminator interface {
	// Terminate sends SIGTERM, or asks as the spec says, and returns once the
	// process is reaped, by its own end or by SIGKILL when its grace has passed;
	// the Exit tells which.
	Terminate(ctx context.Context) (Exit, error)
}

// Asked is an optional interface of a Terminator that may ask otherwise than by
// SIGTERM.
type Asked interface {
	AskedBy() string // a signal, or ByRequest
}

// ByRequest says that a process is asked to end as its spec says.
const ByRequest = "request"

// Limits are how much of the machine a process may take. Zero is no limit.
type Limits struct {
	CPU    float64 // cores
	Memory int64   // bytes, swap included
}

// Usage is how a process fares under its limits.
type Usage struct {
	Memory    int64         // bytes it holds that the kernel cannot take back
	Throttled time.Duration // for how long it was kept waiting for a core since its start
}

// Limiter is an optional interface of a Process whose share of the machine can
// be limited.
type Limiter interface {
	// Limit gives it these limits and no others, from now on and across
	// restarts. A limit below what it holds ends it as soon as it wants more.
	Limit(ctx context.Context, l Limits) error
	Usage(ctx context.Context) (Usage, error)
}

// Detacher is an optional interface of a Process that can be taken off its
// network, as by a pulled cable: nobody is told.
type Detacher interface {
	Detach(ctx context.Context) error
	Attach(ctx context.Context) error // attaching one that is attached does nothing
}

// Store is a Process that others connect to.
type Store interface {
	Process
	// Addr is the host:port it listens on, past every link.
	Addr() string
	// URL is what a client dials that reaches the store at addr, which is
	// Addr itself or the address of a link.
	URL(addr string) string
}

// Link is one directed network dependency of one replica.
type Link interface {
	Ends() (from, to string)
	// Addr is the host:port that the depending side dials.
	Addr() string
	Degrade(ctx context.Context, d Degradation) error
	// Heal removes every degradation. Healing a healthy link does nothing.
	Heal(ctx context.Context) error
}

// Troubled is an optional interface of a Link that can tell what it failed to do by
// no fault of the script's, for want of the harness's own resources: file
// descriptors, memory, ports. The system meets that as if something were broken.
type Troubled interface {
	// OnTrouble has tell called each time, and at once for what has been before.
	OnTrouble(tell func(what string, err error))
}

// Dropper is an optional interface of a Link that can drop packets.
type Dropper interface {
	// Dropped is how many packets have been dropped since the link was degraded;
	// a healthy one drops none.
	Dropped(ctx context.Context) (packets uint64, err error)
}

// Direction of traffic on a link, as the depending side sees it.
type Direction string

// The directions of a degradation.
const (
	Both     Direction = "both"
	Requests Direction = "requests" // from the replica to its dependency
	Replies  Direction = "replies"  // from the dependency to the replica
)

// DegradationKind is a way in which a link can be bad.
type DegradationKind string

// The kinds of degradation. A link through a proxy knows all but Drop, a direct
// one Drop alone.
const (
	BlackHole DegradationKind = "black-hole" // nothing passes, nothing is closed
	Stall     DegradationKind = "stall"      // so it is for connections that are open already; new ones pass
	Refuse    DegradationKind = "refuse"     // open connections are closed, new ones refused
	Reset     DegradationKind = "reset"      // connections are ended with a RST, open ones and new ones
	Latency   DegradationKind = "latency"    // every chunk is late by Delay ± Jitter
	Bandwidth DegradationKind = "bandwidth"  // at most Rate passes, of all connections together
	Slice     DegradationKind = "slice"      // chunks come in pieces of Size, each Delay after the one before
	Limit     DegradationKind = "limit"      // each connection is closed after Bytes more
	Drop      DegradationKind = "drop"       // packets are lost: no FIN, no RST, nobody answers keepalives
)

// Degradation describes what is wrong with a link.
type Degradation struct {
	Kind      DegradationKind
	Direction Direction // ignored by Refuse and Reset, which end connections
	Delay     time.Duration
	Jitter    time.Duration
	Rate      int // bytes a second
	Size      int // bytes
	Bytes     int
}
