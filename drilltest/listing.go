package drilltest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// looks is how often lists are compared with each other.
const looks = 10

// lists compares what the cluster lists with what the substrate was asked for.
func (x *exercise) lists(t *testing.T) {
	names := x.names()
	for range looks {
		if again := x.names(); !slices.Equal(names, again) {
			t.Fatal(misses("Processes lists %v, and then %v", "list them in a stable order: victims are drawn by their places", names, again))
		}
	}
	for i, name := range names {
		if name == "" || slices.Index(names, name) != i {
			t.Error(misses("Processes lists %v: %q is no name of one process alone", "give each process a name of its own", names, name))
		}
	}
	for _, p := range x.stage.substrate.started {
		if info := p.Info(); !slices.Contains(names, info.Name) {
			t.Error(misses("Processes does not list %s, which runs on the substrate", "list every replica and store, or no fault can hit it", info.Name))
		}
	}
	for _, p := range x.cluster.Processes() {
		if info := p.Info(); info.PID == 0 {
			t.Error(misses("%s does not run after Start", "return from Start when everything runs, or with an error", info.Name))
		}
		if _, ok := p.(drills.Exiter); !ok {
			t.Error(misses("%s (%T) has lost the abilities of the substrate's process", "list the process that Launch or Store returned, not a wrapper around it", p.Info().Name, p))
		}
	}
	x.listsLinks(t, names)
	if _, err := x.cluster.Open(t.Context(), "no-such-replica"); err == nil {
		t.Error(misses("Open gives a client of a replica that there is not", "give an error for a name that is none of a replica"))
	}
}

// names are those of the processes, in the cluster's order.
func (x *exercise) names() (names []string) {
	for _, p := range x.cluster.Processes() {
		names = append(names, p.Info().Name)
	}
	return names
}

// linked are the links, in the cluster's order.
func (x *exercise) linked() (linked []string) {
	for _, l := range x.cluster.Links() {
		linked = append(linked, named(l))
	}
	return linked
}

// named is a link in words. Links with the same ends differ in their addresses.
func named(l drills.Link) string {
	from, to := l.Ends()
	return fmt.Sprintf("%s->%s (%s)", from, to, l.Addr())
}

// listsLinks wants every link to be listed, once, and between known ends.
func (x *exercise) listsLinks(t *testing.T, names []string) {
	linked := x.linked()
	for range looks {
		if again := x.linked(); !slices.Equal(linked, again) {
			t.Fatal(misses("Links lists %v, and then %v", "list them in a stable order", linked, again))
		}
	}
	for i, l := range linked {
		if slices.Index(linked, l) != i {
			t.Error(misses("Links lists %s twice", "list each link once", l))
		}
	}
	for _, l := range x.stage.substrate.linked {
		if !slices.Contains(linked, named(l)) {
			t.Error(misses("Links does not list %s", "list every link that the substrate made, or it cannot be cut", named(l)))
		}
	}
	known := append(slices.Concat(names, drills.BackendNames()), "clients", "witness")
	for _, l := range x.cluster.Links() {
		from, to := l.Ends()
		if !slices.Contains(known, from) || !slices.Contains(known, to) {
			t.Error(misses("the link %s->%s is between names that are none", "name the processes as in their ProcessInfo, and \"clients\", \"witness\" or a backend", from, to))
		}
	}
	for _, r := range x.replicas {
		if len(x.links(r, "witness")) == 0 {
			t.Error(misses("%s has no link to the witness", "ask the substrate for one to env.Witness for every replica, and hand its Addr to that replica alone", r))
		}
		if len(x.links("clients", r)) == 0 {
			t.Error(misses("there is no link in front of %s", `ask the substrate for one from "clients", and have clients dial its Addr`, r))
		}
	}
}

// getsReady waits until every replica takes work.
func (x *exercise) getsReady(t *testing.T) {
	for _, r := range x.replicas {
		x.awaitReady(t, r)
	}
	if prober, ok := x.cluster.(drills.Prober); ok && x.ready(t, prober, "no-such-replica") == nil {
		t.Error(misses("Ready says that a replica is ready that there is not", "ask the replica itself, and give an error for a name that is none"))
	}
}

// awaitReady waits until a replica is ready, as far as it can be asked.
func (x *exercise) awaitReady(t *testing.T, replica string) {
	t.Helper()
	prober, ok := x.cluster.(drills.Prober)
	if !ok {
		return
	}
	if err := within(patience, func() error { return x.ready(t, prober, replica) }); err != nil {
		t.Fatal(misses("Ready(%q): %v", "return nil once the replica takes work; its log is below", replica, err))
	}
}

// ready asks whether a replica is ready, and does not wait long for the answer.
func (x *exercise) ready(t *testing.T, prober drills.Prober, replica string) error {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	return prober.Ready(ctx, replica)
}

// canBeLookedInto has the stores counted at rest.
func (x *exercise) canBeLookedInto(t *testing.T) {
	inspector, ok := x.cluster.(drills.Inspector)
	if !ok {
		t.Skip("it is no drills.Inspector")
	}
	var counts drills.Snapshot
	err := within(x.settle+patience, func() (err error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if counts, err = inspector.Inspect(ctx); err != nil {
			return err
		}
		for name, n := range counts {
			if n < 0 || n > 0 && name == history.CountUnfinished {
				return fmt.Errorf("%s is %d", name, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(misses("Inspect, with nothing left to do: %v", "count what the stores hold now, past all links", err))
	}
	for _, name := range []string{
		history.CountUnfinished, history.CountDeadLetters, history.CountRepublished, history.CountConnections,
		history.CountGoroutines, history.CountLocks, history.CountPending, history.CountQueued, history.CountUnfencedWrites,
	} {
		if _, told := counts[name]; !told {
			t.Logf("Inspect does not count %q: the gate that asks for it is unknown", name)
		}
	}
}
