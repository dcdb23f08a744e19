package history

import (
	"encoding/json"
	"strings"
	"time"
)

// Submit is the detail of a client's submission.
type Submit struct {
	Subject  string        `json:"subject"`
	Intended time.Duration `json:"intended"`           // when the schedule wanted it sent: latency counts from here
	Replica  string        `json:"replica,omitempty"`  // which one answered last
	Attempts int           `json:"attempts,omitempty"` // replicas asked
	// ConcurrencyKey is what the job shares with others that must not be at work
	// beside it; empty for a job that may run beside all others.
	ConcurrencyKey string `json:"concurrency_key,omitempty"`
	Kind           string `json:"kind,omitempty"` // of the job; empty for the system's default
}

// PoisonPrefix begins the subject of a planted job that no system can do: it
// owes no effect, and must be given up and kept among the dead letters.
const PoisonPrefix = "poison/"

// Poisoned says whether the subject is of a job that was planted to fail.
func Poisoned(subject string) bool { return strings.HasPrefix(subject, PoisonPrefix) }

// Outcome is what the witness did with an effect.
type Outcome string

// The outcomes of an effect at the witness.
const (
	Accepted Outcome = "accepted" // it took effect (HTTP 200)
	Seen     Outcome = "seen"     // its key was known: nothing happened again (208)
	Stale    Outcome = "stale"    // its term had been superseded or was missing: refused (409)
	Failed   Outcome = "failed"   // a backend that was bad on purpose did not carry it out (503, or no answer)
)

// The kinds of effect, each a policy of the witness.
const (
	KindOnce   = "once"   // de-duplicated by key
	KindFenced = "fenced" // refused below the highest term of its leadership, and de-duplicated by key
	KindRecord = "record" // counted only
)

// Effect is the detail of an effect's arrival at the witness, and of both ends
// of a call to one of its backends.
type Effect struct {
	Replica    string  `json:"replica"` // known by its token
	Subject    string  `json:"subject"`
	Kind       string  `json:"kind"`
	Leadership string  `json:"leadership,omitempty"`
	Term       uint64  `json:"term,omitempty"`
	Attempt    int     `json:"attempt,omitempty"`
	Call       uint64  `json:"call,omitempty"` // of a call: its number at that backend, the same at both ends
	Outcome    Outcome `json:"outcome"`        // empty at the begin of a call
}

// What replicas measure and report. A duration is taken on a replica's own
// clock, which is no evidence of when anything happened.
const (
	TookRefused = "refused" // until an open breaker had refused a call
	TookCall    = "call"    // a call that reached its backend, from the caller's side
)

// Durations is the detail of durations that a replica has measured.
type Durations struct {
	Replica string          `json:"replica"`
	What    string          `json:"what"`    // one of the Took constants
	Subject string          `json:"subject"` // what they belong to: the name of a backend
	Took    []time.Duration `json:"took"`    // nanoseconds
}

// Fault is the detail of every step in a fault's life.
type Fault struct {
	Fault   string   `json:"fault"`             // "kill leader", as the script has it
	Name    string   `json:"name"`              // "kill"
	Target  string   `json:"target,omitempty"`  // the selector
	Victims []string `json:"victims,omitempty"` // the processes it turned out to be
	Links   []string `json:"links,omitempty"`   // "from->to" of the links that it degrades
	Mild    bool     `json:"mild,omitempty"`    // its victims can go on, only worse
	// Leadership is the only one that the fault takes from its victims; empty
	// where it takes all that they hold.
	Leadership string         `json:"leadership,omitempty"`
	Undo       string         `json:"undo,omitempty"` // the action that undoes it: "start", "resume", "heal"
	Evidence   map[string]any `json:"evidence,omitempty"`
}

// Step is the detail of a step of the script.
type Step struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// Load is the detail of a load's start and end.
type Load struct {
	Load    string  `json:"load"`    // "jobs"
	Rate    float64 `json:"rate"`    // operations a second
	Clients int     `json:"clients"` //
}

// Drain is the detail of a drain: what the engine waited for, and what it saw.
type Drain struct {
	Complete    bool          `json:"complete"`    // waited as long as the rule asks
	Waited      time.Duration `json:"waited"`      // nanoseconds
	Outstanding int           `json:"outstanding"` // acknowledged subjects without an effect at the end
}

// The counts of a snapshot that gates know. A system that cannot tell one
// leaves it out.
const (
	CountUnfinished     = "unfinished"      // jobs that are not terminal
	CountDeadLetters    = "dead_letters"    // jobs given up
	CountPending        = "pending"         // entries delivered and not acknowledged
	CountQueued         = "queued"          // entries in the queue
	CountOutbox         = "outbox"          // outbox rows not published
	CountConnections    = "connections"     // store connections of the system
	CountLocks          = "locks"           // locks held
	CountGoroutines     = "goroutines"      // goroutines, or threads, of all replicas together
	CountRepublished    = "republished"     // entries put into the queue again
	CountOwnedWrites    = "owned_writes"    // writes made as a holder of a term or a token
	CountUnfencedWrites = "unfenced_writes" // those whose term or token had been superseded when they were made
)

// The keys of snapshot events.
const (
	SnapshotBaseline = "baseline" // before the script
	SnapshotRest     = "rest"     // after the drain
)

// Snapshot is the detail of a snapshot of all stores: counts by name.
type Snapshot map[string]int64

// What a system can say of a job that it is asked about.
const (
	ToldUnknown = "unknown" // it knows of no such job
	ToldOpen    = "open"    // neither done nor given up
	ToldDone    = "done"
	ToldDead    = "dead" // given up
)

// Read is the detail of what a replica said of a job.
type Read struct {
	Subject  string `json:"subject,omitempty"`  // empty where the system cannot be asked at all
	State    string `json:"state,omitempty"`    // one of the Told constants; empty where no replica has told
	Replica  string `json:"replica,omitempty"`  // which one was asked last
	Attempts int    `json:"attempts,omitempty"` // questions, of all replicas together
}

// Exit is the detail of a process's end.
type Exit struct {
	Code        int    `json:"code"` // -1 when ended by a signal
	Signal      string `json:"signal,omitempty"`
	OutOfMemory bool   `json:"oom,omitempty"` // the kernel ended it, for want of memory
}

// Refused is the detail of requests that the witness or a backend would not take:
// from a sender whom it does not know, or in a form that it cannot read. The first
// of a kind is written down at once, later ones when their number has doubled.
type Refused struct {
	Replica string `json:"replica,omitempty"` // empty where its token is unknown
	Status  int    `json:"status"`            // HTTP
	Why     string `json:"why"`
	Count   int    `json:"count"` // of this kind, so far
}

// Stall is the detail of a time in which the harness did not get to run, and its
// links and its witness with it. It ends at the event.
type Stall struct {
	Took time.Duration `json:"took"` // nanoseconds
}

// CostsLeases says whether a lease of a system may have run out over the stall. The
// settle time is the longest lease with all that follows it; half a lease is what a
// holder that stands down early allows itself.
func (s Stall) CostsLeases(settle time.Duration) bool { return s.Took >= settle/4 }

// Trouble is the detail of something that the harness failed to do.
type Trouble struct {
	What  string `json:"what"`  // "accept a connection"
	Count int    `json:"count"` // how often, so far
}

// Detail encodes the detail of an event. The types above always encode; an
// Evidence that does not is a mistake of the fault's, and said so in place.
func Detail(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"unencodable": err.Error()}) // a map of strings always encodes
	}
	return b
}

// Decode reads the detail of an event as T.
func Decode[T any](e *Event) (T, error) {
	var v T
	err := json.Unmarshal(e.Detail, &v)
	return v, err
}
