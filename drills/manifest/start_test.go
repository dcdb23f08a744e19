package manifest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

// environment is one on this machine, without a witness.
func environment(t *testing.T) drills.Environment {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // the stores' user passes through
	require.NoError(t, os.Chmod(dir, 0o755))
	p, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	s, err := p.New(t.Context(), local.Options{})
	require.NoError(t, err)
	return drills.Environment{Substrate: s, Witness: "127.0.0.1:1", Token: func(name string) string { return "token of " + name }}
}

// begin starts a system whose manifest has PROGRAM for the test binary.
func begin(t *testing.T, source string, replicas int) (drills.Cluster, error) {
	t.Helper()
	c, err := parse(t, strings.ReplaceAll(source, "PROGRAM", os.Args[0])).Start(t.Context(), environment(t), replicas)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, c.Close(context.WithoutCancel(t.Context()))) })
	}
	return c, err
}

const greeted = `name: greeted
stores:
  - name: greeter
    command: [PROGRAM]
    environment: {` + partVariable + `: greeter}
    ports: {tcp: GREETER}
replica:
  command: [PROGRAM]
  environment: {` + partVariable + `: replica, STORE: "${greeter.address}"}
  ports: {http: LISTEN}
  ready: {path: /, within: 10s}
submit: {path: "/${key}"}
guarantees: {leader: false, effects: at-least-once}
settle: 1s
`

func TestAStoreThatIsBroughtAlong(t *testing.T) {
	c, err := begin(t, greeted, 2)
	require.NoError(t, err)
	processes := c.Processes()
	require.Len(t, processes, 3)
	store := processes[2]
	require.Equal(t, drills.RoleStore, store.Info().Role)
	require.Equal(t, "greeter", store.Info().Name)
	client, err := c.Open(t.Context(), "replica-2")
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	says := func() (string, error) {
		answer, err := client.Do(t.Context(), job)
		return string(answer), err
	}
	want := func(what string) {
		t.Helper()
		require.Eventually(t, func() bool { answer, err := says(); return err == nil && answer == what }, 10*time.Second, 10*time.Millisecond)
	}
	want(fmt.Sprintf("pid %d", store.Info().PID))

	require.NoError(t, store.Kill(t.Context()))
	_, err = says()
	require.Error(t, err, "nobody greets")
	require.NoError(t, store.Start(t.Context()))
	want(fmt.Sprintf("pid %d", store.Info().PID))

	link := linkBetween(t, c, "replica-2", "greeter")
	require.NoError(t, link.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
	_, err = says()
	require.Error(t, err, "the link refuses")
	other, err := c.Open(t.Context(), "replica-1")
	require.NoError(t, err)
	_, err = other.Do(t.Context(), job)
	require.NoError(t, err, "every replica has a link of its own")
	require.NoError(t, other.Close())
	require.NoError(t, link.Heal(t.Context()))
	want(fmt.Sprintf("pid %d", store.Info().PID))
}

func linkBetween(t *testing.T, c drills.Cluster, from, to string) drills.Link {
	t.Helper()
	for _, l := range c.Links() {
		if f, to2 := l.Ends(); f == from && to2 == to {
			return l
		}
	}
	require.Fail(t, "there is no link", "%s->%s", from, to)
	return nil
}

// calling is the greeted system whose replicas call a backend.
func calling() string {
	source := strings.Replace(greeted, "STORE:", `BACKEND: "${backends.dns.url}", STORE:`, 1)
	return strings.Replace(source, "/${key}", "/call/${key}", 1)
}

func TestABackendIsReachedByALinkOfTheReplicasOwn(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, "a name"); err != nil {
			panic(err)
		}
	})
	env := environment(t)
	env.Backends = map[string]string{"compute": "127.0.0.1:1", "dns": addr}
	c, err := parse(t, strings.ReplaceAll(calling(), "PROGRAM", os.Args[0])).Start(t.Context(), env, 2)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(context.WithoutCancel(t.Context()))) }()
	for _, l := range c.Links() {
		_, to := l.Ends()
		require.NotEqual(t, "compute", to, "nobody is told of it")
	}
	require.NoError(t, linkBetween(t, c, "replica-2", "dns").Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
	for replica, reaches := range map[string]bool{"replica-1": true, "replica-2": false} {
		client, err := c.Open(t.Context(), replica)
		require.NoError(t, err)
		answer, err := client.Do(t.Context(), job)
		require.Equal(t, reaches, err == nil, "%s: %v", replica, err)
		if reaches {
			require.Equal(t, "a name", string(answer))
		}
		require.NoError(t, client.Close())
	}
}

func TestABackendThatADrillLacksIsToldOf(t *testing.T) {
	_, err := begin(t, calling(), 1)
	require.ErrorContains(t, err, "link replica-1 to dns: the drill has no such backend")
}

func TestStoresMayStandBehindWhatUsesThem(t *testing.T) {
	begin, end := strings.Index(greeted, "stores:"), strings.Index(greeted, "replica:")
	require.Equal(t, parse(t, greeted), parse(t, greeted[:begin]+greeted[end:]+greeted[begin:end]))
}

func TestAStoreThatDoesNotGetReady(t *testing.T) {
	const ports = "ports: {tcp: GREETER}"
	for name, m := range map[string]struct{ old, new, want string }{
		"it listens elsewhere": {ports, "ports: {tcp: OTHER}\n    ready: {within: 300ms}", "start the stores: greeter: it was not ready within 300ms: it takes no connections"},
		"it speaks no HTTP":    {ports, ports + "\n    ready: {path: /up, within: 300ms}", "start the stores: greeter: it was not ready within 300ms"},
		"it is not there":      {ports, ports + "\n    missing: make greeter", "no such file or directory; the manifest says: make greeter"},
		"its part is none":     {": greeter}", ": none}", "start the stores: greeter ended while it was starting; its log ends with:"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(greeted, m.old))
			source := strings.Replace(greeted, m.old, m.new, 1)
			if strings.Contains(source, "missing") {
				source = strings.Replace(source, "PROGRAM", "/nothing", 1)
			}
			_, err := begin(t, source, 1)
			require.ErrorContains(t, err, m.want)
		})
	}
}

// stopping is the greeted system with a request by which replicas are asked to end.
func stopping(path string) string {
	source := strings.Replace(greeted, "  ready: {path: /", "  grace: 400ms\n  ready: {path: /", 1)
	return strings.Replace(source, "guarantees:", "stop: {path: "+path+"}\nguarantees:", 1)
}

func TestAReplicaIsAskedToEndAsTheManifestSays(t *testing.T) {
	for path, want := range map[string]drills.Exit{
		"/stop":  {Code: 3},
		"/later": {Code: 4},
		"/deaf":  {Code: -1, Signal: "killed"},
	} {
		c, err := begin(t, stopping(path), 1)
		require.NoError(t, err, path)
		replica := c.Processes()[0]
		require.Equal(t, drills.ByRequest, replica.(drills.Asked).AskedBy())
		require.Equal(t, "SIGTERM", c.Processes()[1].(drills.Asked).AskedBy(), "a store is told by a signal")
		exit, err := replica.(drills.Terminator).Terminate(t.Context())
		require.NoError(t, err, path)
		exit.At = time.Time{}
		require.Equal(t, want, exit, path)
		_, err = replica.(drills.Terminator).Terminate(t.Context())
		require.ErrorIs(t, err, drills.ErrNotRunning)
		require.NoError(t, replica.Start(t.Context()))
	}
}

func TestAReplicaThatWillNotEndIsToldOf(t *testing.T) {
	c, err := begin(t, stopping("/never"), 1)
	require.NoError(t, err)
	_, err = c.Processes()[0].(drills.Terminator).Terminate(t.Context())
	require.ErrorContains(t, err, "terminate replica-1: asked to end, it answers 409 not now")
	require.NotZero(t, c.Processes()[0].Info().PID, "it runs on")
}

func TestASubstrateThatDoesNotObeyIsRefused(t *testing.T) {
	replica := standing{info: drills.ProcessInfo{Name: "replica-1", Role: drills.RoleReplica}}
	require.NoError(t, obeys(replica, drills.ProcessSpec{Role: drills.RoleReplica}))
	require.ErrorContains(t, obeys(replica, drills.ProcessSpec{Role: drills.RoleStore}), "the substrate made a replica of a store")
	ask := func(context.Context) error { return nil }
	require.ErrorIs(t, obeys(replica, drills.ProcessSpec{Role: drills.RoleReplica, Ask: ask}), drills.ErrUnsupported)
}
