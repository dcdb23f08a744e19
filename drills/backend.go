package drills

import (
	"context"
	"time"
)

// BackendNames are the backends that there are, in a stable order.
func BackendNames() []string {
	return []string{"compute", "network", "storage", "dns", "loadbalancer"}
}

// Backend is one service of the outside world that the system calls: compute,
// storage, … It belongs to the witness, answers the witness's wire format, and
// can be made to fail.
type Backend interface {
	Name() string
	// Addr is the host:port it listens on, past every link.
	Addr() string
	// Degrade makes it bad for every call from now on, until Heal. What was
	// wrong with it before is over then.
	Degrade(ctx context.Context, i Impairment) error
	// Heal makes it sound again and lets go of the calls that it holds. Healing
	// a sound backend does nothing.
	Heal(ctx context.Context) error
}

// ImpairmentKind is a way in which a backend can be bad.
type ImpairmentKind string

// The kinds of impairment that a backend knows.
const (
	Failing ImpairmentKind = "failing" // a share of the calls is refused, without effect
	Slow    ImpairmentKind = "slow"    // every call takes effect, and is answered, late by Delay
	Hanging ImpairmentKind = "hanging" // calls are taken and never answered, without effect
)

// Impairment describes what is wrong with a backend.
type Impairment struct {
	Kind  ImpairmentKind
	Share float64       // of the calls that fail, above 0 and up to 1; Failing only
	ByKey bool          // a call's key decides whether it fails, so that every try fares the same; else its arrival; Failing only
	Delay time.Duration // Slow only
}
