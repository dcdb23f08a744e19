package drilltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// degrade makes links bad, until heal is called or the test ends.
func degrade(t *testing.T, d drills.Degradation, links ...drills.Link) (heal func()) {
	t.Helper()
	heal = func() {
		t.Helper()
		for _, l := range links {
			noError(t, closeIn(t, l.Heal), "heal "+named(l))
		}
	}
	t.Cleanup(heal)
	for _, l := range links {
		noError(t, l.Degrade(t.Context(), d), "degrade "+named(l))
	}
	return heal
}

// goesThroughLinks looks for ways past the links, and cuts each replica off from
// the witness.
func (x *exercise) goesThroughLinks(t *testing.T) {
	x.knowsNoWayPast(t)
	x.stir(t, x.replicas...)
	x.awaitEffects(t)
	reporters := x.reporters()
	if len(reporters) == 0 {
		t.Skip("no replica has had an effect")
	}
	for _, r := range reporters {
		x.cutOff(t, r, reporters)
	}
	x.awaitEffects(t)
}

// knowsNoWayPast wants no replica to be told an address behind a link.
func (x *exercise) knowsNoWayPast(t *testing.T) {
	t.Helper()
	behind := map[string]string{x.stage.witness.Addr(): "the witness"}
	for _, b := range x.stage.witness.Backends() {
		behind[b.Addr()] = "the backend " + b.Name()
	}
	for _, s := range x.stage.substrate.stores {
		name := s.Info().Name
		behind[s.Addr()] = "the store " + name
		if !slices.ContainsFunc(x.cluster.Links(), func(l drills.Link) bool { _, to := l.Ends(); return to == name }) {
			t.Error(misses("no replica has a link to the store %s", "ask the substrate for one from every replica to the store's Addr", name))
		}
	}
	for _, spec := range x.stage.substrate.specs {
		for _, text := range slices.Concat(spec.Command, spec.Env) {
			for addr, what := range behind {
				if strings.Contains(text, addr) {
					t.Error(misses("%s is told where %s is, past its link: %s", "hand the Addr of the replica's own link to it, for a store with its URL method", spec.Name, what, text))
				}
			}
		}
	}
}

// reporters are the replicas that have had effects, in the cluster's order.
func (x *exercise) reporters() (found []string) {
	for _, r := range x.replicas {
		if x.stage.seen.since(0, r) {
			found = append(found, r)
		}
	}
	return found
}

// stir has these replicas do something. Whether they take the jobs is not its
// business; what they take must take effect.
func (x *exercise) stir(t *testing.T, replicas ...string) {
	t.Helper()
	if !x.system.Guarantees().Jobs {
		return // what they do, they do by themselves
	}
	for _, r := range replicas {
		a := x.job()
		if x.try(t, r, a) != nil {
			delete(x.asked, a.op.Subject)
		}
	}
}

// cutOff cuts a replica off from the witness: its effects stop, those of others
// do not, and after that they come again.
func (x *exercise) cutOff(t *testing.T, replica string, reporters []string) {
	t.Helper()
	seen := x.stage.seen
	others := slices.DeleteFunc(slices.Clone(reporters), func(r string) bool { return r == replica })
	heal := degrade(t, drills.Degradation{Kind: drills.Refuse}, x.links(replica, "witness")...)
	const own = "give each replica a link to the witness of its own, and the token of its own name"

	// What was under way arrives.
	last := seen.now()
	err := within(patience, func() error {
		now := seen.now()
		if seen.since(last, replica) {
			last = now
		}
		if now-last < quiet {
			return errors.New("effects of it go on")
		}
		return nil
	})
	begin := seen.now()
	if err == nil && len(others) > 0 {
		if within(x.settle+patience, func() error { x.stir(t, others...); return x.acted(others, begin) }) != nil {
			t.Fatal(misses("with the link from %s to the witness cut, no effect of %s arrives", own, replica, strings.Join(others, " or ")))
		}
	}
	if err == nil {
		err = watch(time.Second, func() error {
			x.stir(t, replica)
			if seen.since(begin, replica) {
				return errors.New("effects of it arrive")
			}
			return nil
		})
	}
	if err != nil {
		t.Fatal(misses("with the link from %s to the witness cut, %v", own, replica, err))
	}
	heal()
	healed := seen.now()
	back := []string{replica}
	if x.system.Guarantees().Leader {
		back = reporters // another may lead now, and do all there is to do
	}
	if err := within(x.settle+patience, func() error { x.stir(t, replica); return x.acted(back, healed) }); err != nil {
		t.Fatal(misses("with the link from %s to the witness healed, %v", "report again until the witness has answered, with a connection that is dialled anew", replica, err))
	}
}

// acted wants some of these replicas to have had an effect since then.
func (x *exercise) acted(replicas []string, since time.Duration) error {
	if !x.stage.seen.since(since, replicas...) {
		return fmt.Errorf("no effect of %s arrives", strings.Join(replicas, " or "))
	}
	return nil
}

// comesBack kills a replica and starts it again.
func (x *exercise) comesBack(t *testing.T) {
	names, victim := x.names(), x.replicas[len(x.replicas)-1]
	process := x.process(t, victim)
	noError(t, process.Kill(t.Context()), "kill "+victim)
	if again := x.names(); !slices.Equal(names, again) {
		t.Fatal(misses("Processes lists %v, and %v while %s is dead", "list every process, whether it runs or not, in the same order", names, again, victim))
	}
	if prober, ok := x.cluster.(drills.Prober); ok && x.ready(t, prober, victim) == nil {
		t.Error(misses("Ready says that %s is ready, which has been killed", "ask the replica itself, through the link in front of it", victim))
	}
	jobs := x.system.Guarantees().Jobs
	a := x.job()
	if jobs {
		if x.try(t, victim, a) == nil {
			t.Error(misses("a client of %s acknowledges a job although it has been killed", "Open gives a client of that replica alone: whom to ask next is for the caller to decide", victim))
		}
		x.requireNoneRejected(t)
	}
	noError(t, process.Start(t.Context()), "start "+victim)
	x.awaitReady(t, victim)
	if jobs {
		x.take(t, victim, a) // by the client that it had in its first life
		x.awaitEffects(t)
	}
}

// ends closes the cluster with processes in every state, twice.
func (x *exercise) ends(t *testing.T) {
	family, err := familyOf(x.stage.substrate.started)
	noError(t, err, "list the processes")
	noError(t, x.process(t, x.replicas[0]).Kill(t.Context()), "kill "+x.replicas[0])
	if pauser, ok := x.process(t, x.replicas[1]).(drills.Pauser); ok {
		noError(t, pauser.Pause(t.Context()), "freeze "+x.replicas[1])
	}
	for _, which := range []string{"Close", "the second Close"} {
		if err := closeIn(t, x.cluster.Close); err != nil {
			t.Error(misses("%s: %v", "close the substrate, which stops everything and can be closed twice", which, err))
		}
	}
	if left := x.stage.substrate.running(); len(left) > 0 {
		t.Fatal(misses("Close leaves running: %s", "close the substrate that Start was given: it stops everything", strings.Join(left, ", ")))
	}
	if err := within(patience, family.gone); err != nil {
		t.Fatal(misses("after Close, %v", "have replicas end what they start themselves", err))
	}
}
