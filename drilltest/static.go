package drilltest

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
)

// promises looks at what the system declares about itself.
func (x *exercise) promises(t *testing.T) {
	if x.system.Name() == "" {
		t.Error(misses("Name is empty", "return the name that reports are to have"))
	}
	g := x.system.Guarantees()
	if !reflect.DeepEqual(g, x.system.Guarantees()) {
		t.Error(misses("Guarantees differ between two calls", "return the same every time: a drill is judged by them"))
	}
	if deliveries := []drills.Delivery{drills.AtLeastOnce, drills.ExactlyOnce}; g.Jobs && !slices.Contains(deliveries, g.Effects) {
		t.Error(misses("Guarantees.Effects is %q", "a system that takes jobs promises drills.AtLeastOnce or drills.ExactlyOnce", g.Effects))
	}
	for _, m := range g.Means {
		if !slices.Contains([]string{"transaction", "key", "fencing"}, m) {
			t.Error(misses("Guarantees.Means has %q", `name some of "transaction", "key" and "fencing"`, m))
		}
	}
	if !g.Jobs && !g.Leader {
		t.Log("it promises neither jobs nor a leader: most scenarios do not apply")
	}
	if s, ok := x.system.(drills.Settler); ok && s.Settle() <= 0 {
		t.Error(misses("Settle is %v", "return the longest that anything can go unnoticed: lease, sweep, retry, and what they add up to", s.Settle()))
	}
}

// unknownOption is one that no system has.
const unknownOption = "no-such-option"

// options looks whether a system refuses options that it would not follow.
func (x *exercise) options(t *testing.T, provider catalog.Provider) {
	o, ok := x.system.(drills.Optioned)
	if !ok {
		t.Skip("it is no drills.Optioned")
	}
	unknown := map[string]string{unknownOption: "1"}
	const do = "refuse what would not be followed: nothing must be drilled as if it were something else"
	if o.CheckOptions(unknown) == nil {
		t.Error(misses("CheckOptions takes the unknown option %s", do, unknownOption))
	}
	if err := o.CheckOptions(nil); err != nil {
		t.Error(misses("CheckOptions refuses no options at all: %v", "every option needs a default", err))
	}
	env := newStage(t, provider).environment()
	env.Options = unknown
	cluster, err := x.system.Start(t.Context(), env, replicaCount)
	if err == nil {
		noError(t, closeIn(t, cluster.Close), "Close")
		t.Error(misses("Start takes the unknown option %s", do, unknownOption))
	}
}

// interruptedStart cancels a start as soon as it launches a replica.
func (x *exercise) interruptedStart(t *testing.T, provider catalog.Provider) {
	s := newStage(t, provider)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.substrate.launching = cancel
	type result struct {
		cluster drills.Cluster
		err     error
	}
	done := make(chan result, 1)
	go func() {
		cluster, err := x.system.Start(ctx, s.environment(), replicaCount)
		done <- result{cluster, err}
	}()
	select {
	case r := <-done:
		if r.err == nil {
			noError(t, closeIn(t, r.cluster.Close), "Close")
			t.Fatal(misses("Start succeeds although its context was cancelled in between", "hand ctx on to the substrate, and heed it in every wait"))
		}
	case <-time.After(2 * patience):
		t.Fatal(misses("Start goes on although its context was cancelled", "heed ctx in every wait"))
	}
	if left := s.substrate.running(); len(left) > 0 {
		t.Error(misses("Start failed and left running: %s", "on every error stop what was started, with a context that is not cancelled: env.Substrate.Close(context.WithoutCancel(ctx))", strings.Join(left, ", ")))
	}
}
