package drills

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ErrRejected is wrapped by [Client.Do] where the operation certainly had no
// effect. Any other error leaves the outcome open: it may have happened.
var ErrRejected = errors.New("rejected: certainly no effect")

// System is what is drilled: a recipe for starting replicas and the stores
// they need.
type System interface {
	Name() string
	Guarantees() Guarantees
	// Start brings up stores, links and replicas. On error it has stopped
	// everything it started.
	Start(ctx context.Context, env Environment, replicas int) (Cluster, error)
}

// Environment is what a system is started in.
type Environment struct {
	Substrate Substrate
	// Witness is the witness's upstream address, host:port. A replica reaches
	// it through a link of its own, which the system asks the substrate for.
	Witness string
	// Token returns the bearer token with which that replica reports effects.
	// The witness knows a replica by its token, not by what it claims to be.
	Token func(replica string) string
	// Backends are the upstream addresses of the witness's backends, by name.
	// They know replicas by the same tokens, and are reached through links too.
	Backends map[string]string
	// Seed is the drill's seed, for whatever the system draws at random.
	Seed uint64
	// Options are the system's own settings, from the scenario and from the
	// command line.
	Options map[string]string
}

// Delivery is what a system promises about the effects of its work.
type Delivery string

// The deliveries a system can promise.
const (
	AtLeastOnce Delivery = "at-least-once"
	ExactlyOnce Delivery = "exactly-once"
)

// Guarantees is what a system declares about itself. A gate over something
// that is not promised is reported "n/a", never as a pass.
type Guarantees struct {
	Leader  bool     `json:"leader"`          // one replica leads; its effects carry leadership and term
	Jobs    bool     `json:"jobs"`            // takes submissions that must have an effect
	Effects Delivery `json:"effects"`         // how often an acknowledged submission takes effect
	Means   []string `json:"means,omitempty"` // by what: "transaction", "key", "fencing"
	// ConcurrencyKeys: of jobs that share a concurrency key one is at work at a
	// time, and those of different keys do not wait for each other.
	ConcurrencyKeys bool `json:"concurrency_keys,omitempty"`
	// Leaderships are the names of all leaderships, where effects carry terms of
	// something else as well, such as leases. Empty where they need no telling apart:
	// what is used for one job only is a lease.
	Leaderships []string `json:"leaderships,omitempty"`
}

// Offers says whether the system has the capability that a scenario requires
// by name: "concurrency-keys", "jobs" or "leader".
func (g Guarantees) Offers(capability string) bool {
	switch capability {
	case "concurrency-keys":
		return g.ConcurrencyKeys
	case "jobs":
		return g.Jobs
	case "leader":
		return g.Leader
	}
	return false
}

// Capabilities are the words that `requires` in a scenario may use.
func Capabilities() []string { return []string{"concurrency-keys", "jobs", "leader"} }

// Cluster is a started system.
type Cluster interface {
	// Processes lists replicas and stores alike, in a stable order.
	Processes() []Process
	Links() []Link
	// Open returns a client of one replica, through the link in front of it.
	Open(ctx context.Context, replica string) (Client, error)
	// Close stops everything the system started, stopped or killed
	// processes included. It is safe to call twice.
	Close(ctx context.Context) error
}

// Find is the process that a script means: it is named so, or is the one store that
// has that role. Nil says that there is none.
func Find(processes []Process, word string) Process {
	var having []Process
	for _, p := range processes {
		info := p.Info()
		if info.Name == word {
			return p
		}
		if info.Role == Role(word) && info.Role != RoleReplica {
			having = append(having, p)
		}
	}
	if len(having) == 1 {
		return having[0]
	}
	return nil
}

// Op is one operation of a client.
type Op struct {
	Name    string          // "submit"
	Kind    string          // kind of job, as the system names it; empty for its default
	Key     string          // idempotency key: the same key is the same submission
	Subject string          // what must happen once if this is acknowledged; the system reports its effect under this subject
	Args    json.RawMessage // operation-specific, may be nil
	// ConcurrencyKey is what the job shares with others that must not be at work
	// beside it; empty for a job that may run beside all others.
	ConcurrencyKey string
}

// Client performs operations against one replica. It is safe for concurrent
// use.
type Client interface {
	// Do wraps ErrRejected only where op certainly had no effect; any other
	// error leaves the outcome unknown.
	Do(ctx context.Context, op Op) (json.RawMessage, error)
	Close() error
}

// JobState is what a system says has become of a job.
type JobState string

// The states of a job.
const (
	JobUnknown JobState = "unknown" // the system knows of no such job
	JobOpen    JobState = "open"    // neither done nor given up
	JobDone    JobState = "done"
	JobDead    JobState = "dead" // given up
)

// Reader is an optional interface of a Client that can ask what has become of a
// job. What a replica says of it is held against what the witness has seen.
type Reader interface {
	// Read asks the client's replica for the state of the job that was submitted
	// under that key for that subject. An answer that says none of the states is an
	// error, as is no answer: another replica is asked then.
	Read(ctx context.Context, key, subject string) (JobState, error)
}

// Prober is an optional interface of a Cluster that can tell whether a
// replica is ready to take work.
type Prober interface {
	Ready(ctx context.Context, replica string) error
}

// Lasting is an optional interface of a Cluster whose data may outlive the drill.
// It may have seen the keys of an earlier drill with the same seed.
type Lasting interface {
	Lasts() bool
}

// Optioned is an optional interface of a System that takes options. It
// refuses those that it would not follow: nothing must be drilled as if it were
// something else.
type Optioned interface {
	CheckOptions(options map[string]string) error
}

// Leadership is one leadership and who holds it.
type Leadership struct {
	Key     string
	Replica string
	Term    uint64
	// Session is the process id of the Postgres session by which it is held; 0
	// where that is not known, or it is not held so.
	Session int32
}

// LeaderReporter is an optional interface of a Cluster that can name who
// holds its leaderships now, in its own opinion. The witness's opinion counts
// for verdicts; this one serves to choose victims.
type LeaderReporter interface {
	// Leaderships are those that somebody holds. The first is the one that is
	// meant by "leader".
	Leaderships(ctx context.Context) ([]Leadership, error)
}

// QueueReporter is an optional interface of a Cluster whose replicas queue for
// the leadership: it names the one that is next, and says how much longer it
// keeps that place if the leadership does not become free.
type QueueReporter interface {
	Waiter(ctx context.Context) (replica string, left time.Duration, err error)
}

// Snapshot is what one look at every store at rest found: named counts such
// as "unfinished", "pending", "dead_letters", "outbox", "connections",
// "locks", "owned_writes", "unfenced_writes". The names that gates rely on
// are constants of package history.
type Snapshot map[string]int64

// Inspector is an optional interface of a Cluster that can look into every
// store directly, past all links.
type Inspector interface {
	Inspect(ctx context.Context) (Snapshot, error)
}

// Versioned is an optional interface of a System that says which version of it is
// drilled, for those who read the figures.
type Versioned interface {
	Version() string // empty where nobody has said
}

// Allower is an optional interface of a System whose replicas keep more than usual
// once they have seen load: by how much a replica's connections and goroutines may
// be more at rest than before the first load.
type Allower interface {
	Allowance() Snapshot // nil for the usual allowance
}

// Settler is an optional interface of a System: the time its own machinery
// needs to notice and mend anything, that is, the longest lease, sweep or
// reclaim interval plus what they add up to. A drill must outlast it.
type Settler interface {
	Settle() time.Duration
}
