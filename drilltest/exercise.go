package drilltest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/surroundings"
)

const (
	// replicaCount is how many replicas are started: as in most scenarios.
	replicaCount = 3
	// assumedSettle is the settle interval that drills assume of a system without
	// one of its own.
	assumedSettle = 5 * time.Second
	// closing bounds the end of everything.
	closing = 30 * time.Second
)

// Exercise starts a system with three replicas and holds it to what
// [drills.System], [drills.Cluster], [drills.Client] and the optional interfaces
// promise. Each failure says what the adapter misses, and what to do. At the end
// the log names the optional interfaces that it does not have, and what drills
// lack thereby.
//
// It takes some ten seconds and several settle intervals. It looks for gross
// mistakes in the wiring: whether the system keeps its promises when things break
// is for drills to find out.
func Exercise(t *testing.T, system drills.System) {
	t.Helper()
	surroundings.Shed()
	x := &exercise{system: system, asked: map[string]*asked{}, settle: assumedSettle}
	if s, ok := system.(drills.Settler); ok {
		x.settle = s.Settle()
	}
	t.Run("promises what can be judged", x.promises)
	provider, err := catalog.Substrates()[catalog.DefaultSubstrate].Open(t.Context(), catalog.Images{})
	if err != nil {
		t.Fatalf("this machine cannot run drills (drillrun doctor has more): %v", err)
	}
	t.Cleanup(func() { noError(t, provider.Close(), "close the substrates") })
	t.Run("follows its options", func(t *testing.T) { x.options(t, provider) })
	t.Run("stops a start that is interrupted", func(t *testing.T) { x.interruptedStart(t, provider) })
	x.start(t, provider)
	t.Run("lists what it started", x.lists)
	t.Run("gets ready", x.getsReady)
	t.Run("does its jobs", x.doesJobs)
	t.Run("knows a job by its key", x.knowsKeys)
	t.Run("tells what became of jobs", x.tellsOfJobs)
	t.Run("rejects only what is certain", x.rejectsCertain)
	t.Run("goes through its links", x.goesThroughLinks)
	t.Run("shows its leader", x.showsLeader)
	t.Run("comes back", x.comesBack)
	t.Run("can be looked into", x.canBeLookedInto)
	t.Run("ends", x.ends)
	x.tellLogs(t)
	x.tellMissing(t)
}

// exercise is what its parts share: a started system, and what has been asked of
// it.
type exercise struct {
	system   drills.System
	settle   time.Duration
	stage    *stage
	cluster  drills.Cluster
	replicas []string
	clients  map[string]drills.Client // by replica; as in a drill, they outlive their replicas' lives
	asked    map[string]*asked        // by subject
	count    int                      // of subjects so far
}

// start starts the system for all that follows.
func (x *exercise) start(t *testing.T, provider catalog.Provider) {
	t.Helper()
	x.stage = newStage(t, provider)
	cluster, err := x.system.Start(t.Context(), x.stage.environment(), replicaCount)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	if cluster == nil {
		t.Fatal(misses("Start returns neither a cluster nor an error", "return the cluster, or why there is none"))
	}
	x.cluster = cluster
	t.Cleanup(func() { noError(t, closeIn(t, cluster.Close), "Close") })
	x.clients = map[string]drills.Client{}
	running := x.processes(drills.RoleReplica)
	if n := len(running); n != replicaCount {
		t.Fatal(misses("Processes lists %d replicas, and Start was asked for %d", "start as many as asked for, with drills.RoleReplica", n, replicaCount))
	}
	for _, p := range running {
		name := p.Info().Name
		client, err := cluster.Open(t.Context(), name)
		if err != nil {
			t.Fatal(misses("Open(%q): %v", "open a client of every replica that Processes lists", name, err))
		}
		t.Cleanup(func() { noError(t, client.Close(), "close the client of "+name) })
		x.clients[name], x.replicas = client, append(x.replicas, name)
	}
}

// processes are those of one role, in the cluster's order.
func (x *exercise) processes(role drills.Role) (found []drills.Process) {
	for _, p := range x.cluster.Processes() {
		if p.Info().Role == role {
			found = append(found, p)
		}
	}
	return found
}

// process is the one of that name.
func (x *exercise) process(t *testing.T, name string) drills.Process {
	t.Helper()
	for _, p := range x.cluster.Processes() {
		if p.Info().Name == name {
			return p
		}
	}
	t.Fatal(misses("Processes does not list %s any more", "list every process, whether it runs or not", name))
	return nil
}

// links are those between two ends, in the cluster's order.
func (x *exercise) links(from, to string) (found []drills.Link) {
	for _, l := range x.cluster.Links() {
		if f, t := l.Ends(); f == from && t == to {
			found = append(found, l)
		}
	}
	return found
}

// tellMissing logs what the adapter does without, and what drills lack thereby.
func (x *exercise) tellMissing(t *testing.T) {
	t.Helper()
	lacks := map[string]string{}
	note := func(name string, has bool, loss string) {
		if !has {
			lacks[name] = loss
		}
	}
	_, prober := x.cluster.(drills.Prober)
	note("Prober", prober, "`await steady` takes a replica for ready as soon as its process runs")
	_, settler := x.system.(drills.Settler)
	note("Settler", settler, "drains wait for an assumed settle interval of "+assumedSettle.String())
	_, inspector := x.cluster.(drills.Inspector)
	note("Inspector", inspector, "the gates stuck, dead_letters, leaked and republished are unknown, and unfenced may be")
	_, optioned := x.system.(drills.Optioned)
	note("Optioned", optioned, "scenarios with `system NAME=VALUE` do not apply")
	if x.system.Guarantees().Jobs {
		_, reader := x.reader(x.replicas[0])
		note("Reader", reader, "the gate misreported is unknown")
	}
	if x.system.Guarantees().Leader {
		_, reporter := x.cluster.(drills.LeaderReporter)
		note("LeaderReporter", reporter, "the witness alone says who is hit by faults of `leader`; terminate-backend leader/KEY cannot be injected")
		_, queue := x.cluster.(drills.QueueReporter)
		note("QueueReporter", queue, "the target `waiter` is unavailable")
	}
	for _, name := range slices.Sorted(maps.Keys(lacks)) {
		t.Logf("without drills.%s: %s", name, lacks[name])
	}
}

// tellLogs logs the ends of the replicas' logs where something failed.
func (x *exercise) tellLogs(t *testing.T) {
	t.Helper()
	if !t.Failed() {
		return
	}
	for _, p := range x.processes(drills.RoleReplica) {
		t.Logf("%s printed at last:\n%s", p.Info().Name, strings.TrimRight(lastLines(t, p), "\n"))
	}
}

// closeIn ends something with a deadline of its own, whatever became of the test.
func closeIn(t *testing.T, end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), closing)
	defer cancel()
	err := end(ctx)
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	return err
}
