package substratetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// replicas are launched, ended and started again on one substrate.
func (s suite) replicas(t *testing.T) {
	t.Setenv("SUBSTRATETEST_SECRET", "of the harness")
	sub := s.substrate(t)
	t.Run("find an environment of their own", func(t *testing.T) { environment(t, sub) })
	t.Run("have names that are unique and fit", func(t *testing.T) { names(t, sub) })
	t.Run("are killed and started again", func(t *testing.T) { s.kill(t, sub) })
	t.Run("end by themselves", func(t *testing.T) { ownEnd(t, sub) })
	t.Run("are terminated", func(t *testing.T) { s.terminate(t, sub) })
	t.Run("are frozen", func(t *testing.T) { s.pause(t, sub) })
	t.Run("are configured", func(t *testing.T) { s.configure(t, sub) })
	t.Run("leave logs", func(t *testing.T) { keepLogs(t, sub) })
}

// minimal is what a replica may find in its environment besides what its spec
// and its ports say.
var minimal = []string{"PATH", "HOME", "TMPDIR", "TZ", "HOSTNAME"}

func environment(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "environment", "COLOUR=blue=green", "EMPTY=")
	require.Equal(t, drills.ProcessInfo{Name: "environment", Role: drills.RoleReplica, PID: r.Info().PID}, r.Info())
	require.Positive(t, r.Info().PID)

	env := r.environ(t)
	require.Equal(t, "blue=green", env["COLOUR"])
	require.Contains(t, env, "EMPTY")
	require.NotContains(t, env, "SUBSTRATETEST_SECRET")
	own := append([]string{"COLOUR", "EMPTY", prober.ControlPort, prober.DataPort}, minimal...)
	for name := range env {
		known := slices.Contains(own, name) || strings.HasPrefix(name, "DRILLRUN_") || name == "GORACE"
		require.True(t, known, "the environment has %s, which nobody gave it", name)
	}

	// It listens where its environment tells it to; this is where others find it.
	control, data := r.Addr(prober.ControlPort), r.Addr(prober.DataPort)
	require.NotEqual(t, control, data)
	require.Empty(t, r.Addr("NO_SUCH_PORT"))
	_, err := prober.Client(control).Do(t.Context(), prober.Order{Verb: prober.About})
	require.NoError(t, err, "past every link")
	dialled := do(t, harness(t), prober.Order{Verb: prober.Dial, Addr: data, Within: patience})
	require.Equal(t, prober.Fine, dialled.End, dialled.Detail)
	require.Equal(t, prober.Fine, do(t, r, prober.Order{Verb: prober.Accept, Within: patience}).End)
}

func names(t *testing.T, sub drills.Substrate) {
	spec, err := prober.Spec("twin", grace)
	require.NoError(t, err)
	_, err = sub.Launch(t.Context(), spec)
	require.NoError(t, err)
	_, err = sub.Launch(t.Context(), spec)
	require.ErrorContains(t, err, "twin", "of two with one name")
	_, err = sub.Store(t.Context(), "twin", drills.RoleRedis)
	require.ErrorContains(t, err, "twin", "a store of the same name")
	for _, name := range []string{"", "../x", "a/b", ".hidden", "-flag", "a b", strings.Repeat("x", 64)} {
		spec.Name = name
		_, err = sub.Launch(t.Context(), spec)
		require.Error(t, err, "name %q", name)
	}
	spec.Name, spec.Command = "ghost", []string{"/nonexistent/program"}
	_, err = sub.Launch(t.Context(), spec)
	require.Error(t, err, "a program that does not exist")
	spec.Name, spec.Command = "nothing", nil
	_, err = sub.Launch(t.Context(), spec)
	require.Error(t, err, "no program at all")
}

func (s suite) kill(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "killed")
	pid, addr := r.Info().PID, r.Addr(prober.DataPort)
	require.ErrorIs(t, r.Start(t.Context()), drills.ErrRunning)
	require.Equal(t, pid, r.Info().PID)

	require.NoError(t, r.Kill(t.Context()))
	requireGone(t, pid)
	require.Zero(t, r.Info().PID)
	requireRefuses(t, addr)
	require.Error(t, r.try(t), "its link leads nowhere")
	exit := r.exits.await(t, 1)
	require.Equal(t, "killed", exit.Signal)
	require.Equal(t, -1, exit.Code)
	require.False(t, exit.OutOfMemory)
	require.WithinDuration(t, time.Now(), exit.At, patience)
	s.requireNotRunning(t, r.Process)

	r.start(t)
	require.Equal(t, addr, r.Addr(prober.DataPort))
	require.NoError(t, r.Kill(t.Context()))
	require.Equal(t, "killed", r.exits.await(t, 2).Signal)
}

// requireNotRunning wants every call to say so that needs a process.
func (s suite) requireNotRunning(t *testing.T, p drills.Process) {
	t.Helper()
	require.ErrorIs(t, p.Kill(t.Context()), drills.ErrNotRunning)
	if _, lacks := s.lacks[Pause]; !lacks {
		require.ErrorIs(t, able[drills.Pauser](t, p).Pause(t.Context()), drills.ErrNotRunning)
		require.ErrorIs(t, able[drills.Pauser](t, p).Resume(t.Context()), drills.ErrNotRunning)
	}
	if _, lacks := s.lacks[Terminate]; !lacks {
		_, err := able[drills.Terminator](t, p).Terminate(t.Context())
		require.ErrorIs(t, err, drills.ErrNotRunning)
	}
}

func ownEnd(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "tired")
	for i, status := range []int{7, 0} {
		pid := r.Info().PID
		if _, err := r.Do(t.Context(), prober.Order{Verb: prober.Exit, Size: status}); err == nil {
			require.Fail(t, "it answers after its end")
		}
		exit := r.exits.await(t, i+1)
		require.Equal(t, status, exit.Code)
		require.Empty(t, exit.Signal)
		require.Zero(t, r.Info().PID, "its end has been told")
		requireGone(t, pid)
		require.ErrorIs(t, r.Kill(t.Context()), drills.ErrNotRunning)
		r.start(t)
	}
}

func (s suite) terminate(t *testing.T, sub drills.Substrate) {
	r := launchPatiently(t, sub, "terminated", grace)
	if s.lacking(t, Terminate) {
		requireUnable(t, r.Process, func(i drills.Terminator) error { _, err := i.Terminate(t.Context()); return err })
		return
	}
	exit, err := able[drills.Terminator](t, r.Process).Terminate(t.Context())
	require.NoError(t, err)
	require.Equal(t, prober.ExitTerminated, exit.Code, "it ends in its own way: %+v", exit)
	require.Empty(t, exit.Signal)
	require.Zero(t, r.Info().PID)
	require.Equal(t, exit.Code, r.exits.await(t, 1).Code)
	r.start(t)

	deaf := launchPatiently(t, sub, "deaf", 300*time.Millisecond)
	do(t, deaf, prober.Order{Verb: prober.Deafen})
	begin := time.Now()
	exit, err = able[drills.Terminator](t, deaf.Process).Terminate(t.Context())
	require.NoError(t, err)
	require.Equal(t, -1, exit.Code)
	require.Equal(t, "killed", exit.Signal)
	require.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond, "its grace")
	require.Equal(t, "killed", deaf.exits.await(t, 1).Signal)
	deaf.start(t)
}

func (s suite) pause(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "frozen")
	if s.lacking(t, Pause) {
		requireUnable(t, r.Process, func(i drills.Pauser) error { return i.Pause(t.Context()) })
		return
	}
	pauser, pid := able[drills.Pauser](t, r.Process), r.Info().PID
	require.NoError(t, pauser.Pause(t.Context()))
	require.NoError(t, pauser.Pause(t.Context()), "twice")
	r.requireSilent(t)
	require.Equal(t, pid, r.Info().PID)
	require.ErrorIs(t, r.Start(t.Context()), drills.ErrRunning)
	require.NoError(t, pauser.Resume(t.Context()))
	require.NoError(t, pauser.Resume(t.Context()), "twice")
	r.await(t)
	require.Equal(t, pid, r.Info().PID)
	require.Empty(t, r.exits.told())

	require.NoError(t, pauser.Pause(t.Context()))
	require.NoError(t, r.Kill(t.Context()), "while it is frozen")
	require.Equal(t, "killed", r.exits.await(t, 1).Signal)
	requireGone(t, pid)
	r.start(t)
}

func (s suite) configure(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "configured", "COLOUR=blue")
	if s.lacking(t, Misconfigure) {
		_, can := r.Process.(drills.Configurable)
		require.False(t, can, "it is Configurable")
		return
	}
	restart := func() map[string]string {
		require.NoError(t, r.Kill(t.Context()))
		r.start(t)
		return r.environ(t)
	}
	configurable := able[drills.Configurable](t, r.Process)
	configurable.Configure("COLOUR=red", "SHAPE=round")
	require.Equal(t, "blue", r.environ(t)["COLOUR"], "what runs is left alone")
	for range 2 {
		env := restart()
		require.Equal(t, "red", env["COLOUR"])
		require.Equal(t, "round", env["SHAPE"])
	}
	configurable.Configure()
	env := restart()
	require.Equal(t, "blue", env["COLOUR"])
	require.NotContains(t, env, "SHAPE")
}

func keepLogs(t *testing.T, sub drills.Substrate) {
	r := launch(t, sub, "talkative")
	var want []string
	say := func(line string) {
		do(t, r, prober.Order{Verb: prober.Print, Statement: []string{line}})
		want = append(want, line)
	}
	lives := func() {
		for i := range 3 {
			say(fmt.Sprintf("line %d after %d", i, len(want)))
		}
		requireLines(t, r, want)
	}
	want = append(want, prober.Ready)
	lives()
	require.NoError(t, r.Kill(t.Context()))
	requireLines(t, r, want)
	r.start(t)
	want = append(want, prober.Ready)
	lives()
	require.NoError(t, r.Kill(t.Context()))
	requireLines(t, r, want)
}

// requireLines wants the log to be these lines, neither more nor fewer. What
// has just been printed may be on its way.
func requireLines(t *testing.T, p drills.Process, want []string) {
	t.Helper()
	eventually(t, func() error {
		got := strings.Split(strings.TrimSuffix(logs(t, p), "\n"), "\n")
		if !slices.Equal(want, got) {
			return errors.New(strings.Join(got, "\n"))
		}
		return nil
	}, "the log is complete: "+strings.Join(want, "; "))
}
