// Package substratetest holds what a substrate must do to be one, as a suite of
// tests: [Exercise]. Whoever brings a substrate of their own calls it from a
// test of theirs; see docs/guides/add-a-substrate.md.
//
// Nothing in it is pretended. Replicas are processes that the substrate starts
// (the package prober, which the test binary plays), stores are real, and what
// becomes of a connection is looked at from both of its ends.
//
// # What a wait means
//
// What must happen is waited for with a generous deadline, so that a busy
// machine makes the suite slower and not red. What must not happen is watched for
// a short while: a substrate that is wrong may be lucky there, one that is right
// never fails. What must take time is held against lower bounds only.
package substratetest

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// The faults that a substrate may be unable to bring about, as the catalog names
// them, and what of the vocabulary it then lacks. Everything else is a
// substrate's duty: replicas with ports and with ends that are told, stores, and
// links through a proxy that can be bad in every way but one.
const (
	Pause        = "pause"        // drills.Pauser, of replicas and stores
	Terminate    = "terminate"    // drills.Terminator, of replicas and stores
	Misconfigure = "misconfigure" // drills.Configurable, of replicas
	Drop         = "drop"         // direct links
	CPU          = "cpu"          // drills.Limiter, of replicas: limits of cores
	Memory       = "memory"       // drills.Limiter, of replicas: limits of memory
	Disconnect   = "disconnect"   // drills.Detacher, of replicas
)

// Options say what a substrate claims.
type Options struct {
	// Lacks are the faults that cannot be brought about there, and why: what its
	// entry in the catalog says. Whatever is not named must work. What is named
	// must be absent, or refused with [drills.ErrUnsupported]: nobody is to claim
	// silently, nor to do in secret.
	Lacks map[string]string
}

// Exercise has a substrate do everything that drills ask for: launch, end,
// freeze and configure replicas, tell their logs, carry and degrade traffic on
// links, keep and lose stores, limit and detach processes as far as it claims to,
// and clean up.
//
// It asks open for a fresh substrate several times, one at a time, and closes
// each. What several share is open's to keep and to close, with t.Cleanup of the
// outer test. Replicas are the test binary itself: TestMain must call
// [prober.Run] before anything else. Whether goroutines are left is the
// business of goleak there.
//
// The suite and the processes must be on one machine, in one namespace of
// process ids: it looks for them there after the end.
func Exercise(t *testing.T, open func(t *testing.T) drills.Substrate, o Options) {
	s := suite{open: open, lacks: o.Lacks}
	for name, reason := range o.Lacks {
		require.NotEmpty(t, reason, "lacking %s needs a reason", name)
	}
	t.Run("replicas", s.replicas)
	t.Run("links", s.links)
	t.Run("direct links", s.directLinks)
	t.Run("stores", s.stores)
	t.Run("limits", s.limits)
	t.Run("detaching", s.detaching)
	t.Run("cleanup", s.cleanup)
}

// suite is what its parts share.
type suite struct {
	open  func(t *testing.T) drills.Substrate
	lacks map[string]string
}

// substrate is a fresh one for a test, closed at its end.
func (s suite) substrate(t *testing.T) drills.Substrate {
	t.Helper()
	sub := s.open(t)
	t.Cleanup(func() { require.NoError(t, sub.Close(context.WithoutCancel(t.Context()))) })
	return sub
}

// lacking tells whether the substrate says that it cannot bring about a fault.
func (s suite) lacking(t *testing.T, fault string) bool {
	t.Helper()
	reason, lacks := s.lacks[fault]
	if lacks {
		t.Logf("%s is lacking: %s", fault, reason)
	}
	return lacks
}

// able gives an optional interface that a process must have.
func able[I any](t *testing.T, p drills.Process) I {
	t.Helper()
	i, ok := p.(I)
	require.True(t, ok, "%s (%T) is no %v", p.Info().Name, p, reflect.TypeFor[I]())
	return i
}

// requireUnable wants a process not to have an interface, or to refuse what is
// tried with it.
func requireUnable[I any](t *testing.T, p drills.Process, try func(I) error) {
	t.Helper()
	if i, ok := p.(I); ok {
		require.ErrorIs(t, try(i), drills.ErrUnsupported)
	}
}
