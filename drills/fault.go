package drills

import (
	"context"
	"time"
)

// Fault is one thing broken on purpose. The engine owns its lifecycle:
//
//	planned → undo recorded → injecting → in effect → held → recovering → recovered
//
// Whatever goes wrong on the way leaves it indeterminate: the drill goes on to
// its analysis and its verdict is unknown. A Fault value serves one injection.
type Fault interface {
	// Plan picks the victims and says, as data, how to undo what Inject will
	// do. It changes nothing.
	Plan(ctx context.Context, t Target) (Undo, error)
	// Inject breaks it. The failover clock starts when Inject is called.
	Inject(ctx context.Context) error
	// Await only observes: it returns once the fault has bitten, with what
	// shows it. An error means that there is no proof.
	Await(ctx context.Context) (Evidence, error)
	// Recover undoes the fault and returns once that is seen to have worked.
	// It must work after a failed or unfinished Inject too, and twice.
	Recover(ctx context.Context) error
}

// Target is what a fault is aimed at.
type Target interface {
	Cluster() Cluster
	// Resolve turns a selector of the script ("leader", "leader/KEY",
	// "follower", "replica-2", "any", "all", "victim") into processes of the
	// cluster. A selector that matches nothing is an error.
	Resolve(ctx context.Context, selector string) ([]Process, error)
	// Backends are those of the witness, in a stable order.
	Backends() []Backend
}

// Action is the kind of undo, and the name of the verb that brings it about.
type Action string

// The actions that undo faults.
const (
	ActionStart  Action = "start"  // start the victims again
	ActionResume Action = "resume" // let the victims run on
	ActionHeal   Action = "heal"   // heal the links, or the victims themselves
	ActionNone   Action = "none"   // nothing is left to undo
)

// Undo says, as data, how to undo a fault, so that another process can do it
// later from a journal.
type Undo struct {
	Action  Action   `json:"action"`
	Victims []string `json:"victims"` // processes hit, by name
	// Leadership is the only one that the victims lose; empty where they lose
	// whatever they hold.
	Leadership string   `json:"leadership,omitempty"`
	Links      []string `json:"links,omitempty"` // "from->to" of the links degraded
	// Mild says that these victims can go on, although the fault is not mild in
	// general.
	Mild bool `json:"mild,omitempty"`
}

// Evidence is what shows that a fault has bitten: plain facts, by name.
type Evidence map[string]any

// FaultSpec describes a fault to the script and to people.
type FaultSpec struct {
	VerbSpec
	// New makes the fault for one injection from arguments that Check took.
	New func(Args) (Fault, error)
	// Held says how long the fault is held before the engine recovers it by
	// itself; ok is false where the script does that. Nil is never.
	Held func(Args) (hold time.Duration, ok bool)
	// Mild says that victims can go on, only worse: a leader that is hit owes no
	// failover.
	Mild bool
}

// HeldFor is the Held of faults that take the option for=DURATION.
func HeldFor(a Args) (hold time.Duration, ok bool) {
	if _, ok = a.Options["for"]; !ok {
		return 0, false
	}
	hold, err := a.Duration("for", 0)
	return hold, err == nil
}
