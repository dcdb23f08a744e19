package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

const victimMark = "FAULTS_VICTIM"

// TestMain lets this binary be its own victim: a process that runs until it is
// told to stop, or refuses to start.
func TestMain(m *testing.M) {
	switch os.Getenv(victimMark) {
	case "":
	case "refuse":
		os.Exit(3)
	case "busy":
		busy()
	default:
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		fmt.Println("ready")
		<-stop
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// victims are real processes, stores and links to aim a fault at.
type victims struct {
	substrate drills.Substrate
	processes []drills.Process
	links     []drills.Link
	backends  []drills.Backend
	led       []drills.Leadership // what the system says of its leaders
}

// start runs as many victims as there are names.
func start(t *testing.T, names ...string) *victims {
	t.Helper()
	provider, err := local.Open(t.Context(), local.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provider.Close()) })
	substrate, err := provider.New(t.Context(), local.Options{Logs: t.TempDir()})
	require.NoError(t, err)
	v := on(t, substrate)
	for _, name := range names {
		v.launch(t, drills.ProcessSpec{Name: name, Env: []string{victimMark + "=1"}})
	}
	return v
}

// on is a target without victims yet, on a substrate that goes with the test.
func on(t *testing.T, substrate drills.Substrate) *victims {
	v := &victims{substrate: substrate}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		require.NoError(t, v.Close(ctx))
	})
	return v
}

// launch starts a victim, which is this binary, and returns once it runs.
func (v *victims) launch(t *testing.T, spec drills.ProcessSpec) drills.Process {
	t.Helper()
	spec.Command = []string{os.Args[0]}
	spec.Grace = 5 * time.Second // the race detector takes a second to exit
	p, err := v.substrate.Launch(t.Context(), spec)
	require.NoError(t, err)
	v.processes = append(v.processes, p)
	require.Eventually(t, func() bool { return strings.Contains(said(t, p), "ready") }, 10*time.Second, time.Millisecond)
	return p
}

// said is what a process has printed so far.
func said(t *testing.T, p drills.Process) string {
	t.Helper()
	log, err := p.Logs(t.Context())
	require.NoError(t, err)
	text, err := io.ReadAll(log)
	require.NoError(t, errors.Join(err, log.Close()))
	return string(text)
}

// store adds a store, with a link to it from each process that runs already.
func (v *victims) store(t *testing.T, role drills.Role) drills.Store {
	t.Helper()
	s, err := v.substrate.Store(t.Context(), string(role), role)
	require.NoError(t, err)
	for _, p := range v.processes {
		v.link(t, drills.LinkSpec{From: p.Info().Name, To: string(role), Upstream: s.Addr()})
	}
	v.processes = append(v.processes, s)
	return s
}

// link adds a link.
func (v *victims) link(t *testing.T, spec drills.LinkSpec) drills.Link {
	t.Helper()
	l, err := v.substrate.Link(t.Context(), spec)
	require.NoError(t, err)
	v.links = append(v.links, l)
	return l
}

func (v *victims) Cluster() drills.Cluster         { return v }
func (v *victims) Backends() []drills.Backend      { return v.backends }
func (v *victims) Processes() []drills.Process     { return v.processes }
func (v *victims) Links() []drills.Link            { return v.links }
func (v *victims) Close(ctx context.Context) error { return v.substrate.Close(ctx) }

func (v *victims) Open(context.Context, string) (drills.Client, error) {
	return nil, errors.New("a victim takes no clients")
}

func (v *victims) Resolve(_ context.Context, selector string) ([]drills.Process, error) {
	if selector == "all" {
		return v.processes, nil
	}
	if key, one := strings.CutPrefix(selector, "leader/"); one {
		for _, l := range v.led {
			if l.Key == key {
				return v.Resolve(context.Background(), l.Replica)
			}
		}
	}
	for _, p := range v.processes {
		if p.Info().Name == selector {
			return []drills.Process{p}, nil
		}
	}
	return nil, errors.New("no such process")
}

func (v *victims) Leaderships(context.Context) ([]drills.Leadership, error) { return v.led, nil }

// alive says whether the kernel knows the process, whatever the harness thinks.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// make a fault of arguments that its own check takes.
func newFault(t *testing.T, spec drills.FaultSpec, options map[string]string, words ...string) drills.Fault {
	t.Helper()
	args := drills.Args{Words: words, Options: options}
	require.NoError(t, spec.Check(args))
	f, err := spec.New(args)
	require.NoError(t, err)
	return f
}

// bite plans and injects a fault and returns its undo and the proof.
func bite(t *testing.T, f drills.Fault, target drills.Target) (drills.Undo, drills.Evidence) {
	t.Helper()
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, evidence)
	return undo, evidence
}
