package process_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local/process"
)

// modeEnv makes the test binary play a child.
const modeEnv = "PROCESS_TEST_MODE"

func TestMain(m *testing.M) {
	switch os.Getenv(modeEnv) {
	case "":
		goleak.VerifyTestMain(m)
	case "idle":
		sayAndWait(nil)
	case "polite":
		term := make(chan os.Signal, 1)
		signal.Notify(term, syscall.SIGTERM)
		sayAndWait(term)
		os.Exit(3)
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		sayAndWait(nil)
	case "parent":
		haveChildren()
		sayAndWait(nil)
	case "forking":
		go forkHalfway()
		sayAndWait(nil)
	}
}

// sayAndWait prints a line with the pid and waits for a signal, or for good.
func sayAndWait(end <-chan os.Signal) {
	fmt.Println("ready", os.Getpid())
	if end == nil {
		select {}
	}
	<-end
}

// haveChildren starts one child in the own process group and one in a session
// of its own, as Postgres backends are.
func haveChildren() {
	for _, attr := range []*syscall.SysProcAttr{{}, {Setsid: true}} {
		child := exec.Command(os.Args[0])
		child.Env = []string{modeEnv + "=idle"}
		child.Stdout, child.SysProcAttr = os.Stdout, attr
		if err := child.Start(); err != nil {
			panic(err)
		}
	}
}

// forkHalfway is what a program looks like that is about to start another one:
// the thread sleeps uninterruptibly until the child, which never does, executes
// something.
func forkHalfway() {
	runtime.LockOSThread()
	child, _, errno := syscall.RawSyscall(syscall.SYS_CLONE, syscall.CLONE_VFORK|uintptr(syscall.SIGCHLD), 0, 0)
	if errno != 0 {
		panic(errno)
	}
	for child == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_PPOLL, 0, 0, 0)
	}
	panic(fmt.Sprint("the child did not stay: ", errno))
}

func start(t *testing.T, mode string, change ...func(*process.Spec)) *process.Process {
	t.Helper()
	spec := process.Spec{
		Name: "replica-1", Role: drills.RoleReplica, Command: []string{os.Args[0]}, Env: []string{modeEnv + "=" + mode},
		Log: filepath.Join(t.TempDir(), "log"), Stop: syscall.SIGTERM, Quit: syscall.SIGKILL, Grace: 10 * time.Second,
	}
	for _, f := range change {
		f(&spec)
	}
	l := process.NewLauncher()
	p := process.New(l, spec)
	t.Cleanup(func() {
		require.NoError(t, p.Close(context.WithoutCancel(t.Context())))
		require.NoError(t, p.Close(context.WithoutCancel(t.Context())), "twice")
		l.Close()
	})
	require.NoError(t, p.Start(t.Context()))
	awaitLines(t, p, map[string]int{"parent": 3}[mode])
	return p
}

// awaitLines waits until that many processes (at least one) say they are ready.
func awaitLines(t *testing.T, p *process.Process, n int) (pids []int) {
	t.Helper()
	require.Eventually(t, func() bool {
		said, err := p.Said(1 << 10)
		require.NoError(t, err)
		pids = nil
		for line := range strings.Lines(said) {
			var pid int
			if _, err := fmt.Sscanf(line, "ready %d\n", &pid); err == nil {
				pids = append(pids, pid)
			}
		}
		return len(pids) >= max(n, 1)
	}, 10*time.Second, time.Millisecond)
	return pids
}

// threads gives the ids of a process's threads.
func threads(t *testing.T, pid int) (ids []int) {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	for _, task := range tasks {
		id, err := strconv.Atoi(task.Name())
		require.NoError(t, err)
		ids = append(ids, id)
	}
	return ids
}

// states gives the state letter of each process, '-' for one that is gone.
func states(t *testing.T, pids []int) string {
	t.Helper()
	var out strings.Builder
	for _, pid := range pids {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			out.WriteByte('-')
			continue
		}
		rest := string(line[strings.LastIndexByte(string(line), ')')+2:])
		if rest[0] == 'Z' || rest[0] == 'X' {
			out.WriteByte('-')
			continue
		}
		out.WriteByte(rest[0])
	}
	return out.String()
}

func TestKill(t *testing.T) {
	p := start(t, "idle")
	exits := make(chan drills.Exit, 1)
	p.OnExit(func(e drills.Exit) { exits <- e })
	pid := p.Info().PID
	require.Positive(t, pid)
	require.ErrorIs(t, p.Start(t.Context()), drills.ErrRunning)

	require.NoError(t, p.Kill(t.Context()))
	require.NoDirExists(t, fmt.Sprintf("/proc/%d", pid), "it must be reaped")
	require.Zero(t, p.Info().PID)
	exit := <-exits
	require.Equal(t, "killed", exit.Signal)
	require.Equal(t, -1, exit.Code)
	require.WithinDuration(t, time.Now(), exit.At, time.Second)

	require.ErrorIs(t, p.Kill(t.Context()), drills.ErrNotRunning)
	require.ErrorIs(t, p.Pause(t.Context()), drills.ErrNotRunning)
	require.ErrorIs(t, p.Resume(t.Context()), drills.ErrNotRunning)
	_, err := p.Terminate(t.Context())
	require.ErrorIs(t, err, drills.ErrNotRunning)
	require.NoError(t, p.Start(t.Context()), "a killed process can be started again")
	require.NotEqual(t, pid, p.Info().PID)
}

func TestKillTakesTheWholeGroup(t *testing.T) {
	p := start(t, "parent")
	pids := awaitLines(t, p, 3)
	require.NotContains(t, states(t, pids), "-")
	require.NoError(t, p.Kill(t.Context()))
	require.Equal(t, 2, strings.Count(states(t, pids), "-"), "the child in a session of its own is not in the group")
	for _, pid := range pids { // the survivor is this test's to end
		if states(t, []int{pid}) != "-" {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
}

func TestATreeIsKilledAndPausedWhole(t *testing.T) {
	tree := func(s *process.Spec) { s.Tree = true }
	for range 5 {
		p := start(t, "parent", tree)
		pids := awaitLines(t, p, 3)
		require.NoError(t, p.Pause(t.Context()))
		require.Equal(t, "TTT", states(t, pids))
		require.NoError(t, p.Resume(t.Context()))
		require.NotContains(t, states(t, pids), "T")
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, p.Kill(t.Context()), "killing a paused process")
		require.Equal(t, "---", states(t, pids))
	}
}

func TestWhatIsLeftOfAGroupEndsWithItsLeader(t *testing.T) {
	p := start(t, "parent")
	ended := make(chan drills.Exit, 1)
	p.OnExit(func(e drills.Exit) { ended <- e })
	pids := awaitLines(t, p, 3)
	require.NoError(t, syscall.Kill(p.Info().PID, syscall.SIGKILL), "somebody else kills the leader alone")
	<-ended
	require.Equal(t, 2, strings.Count(states(t, pids), "-"))
	for _, pid := range pids {
		if states(t, []int{pid}) != "-" {
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
}

func TestPause(t *testing.T) {
	p := start(t, "idle")
	pid := p.Info().PID
	for range 20 {
		require.NoError(t, p.Pause(t.Context()))
		require.NoError(t, p.Pause(t.Context()), "twice")
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		require.NoError(t, err)
		require.Greater(t, len(tasks), 1, "a Go program has several threads")
		require.Equal(t, "T", states(t, []int{pid}))
		require.NoError(t, p.Resume(t.Context()))
		require.NoError(t, p.Resume(t.Context()), "twice")
		require.NotEqual(t, "T", states(t, []int{pid}))
	}
	require.NoError(t, p.Pause(t.Context()))
}

// TestPauseOfAProgramThatForks is about threads that no signal can stop.
func TestPauseOfAProgramThatForks(t *testing.T) {
	for _, tree := range []bool{false, true} {
		p := start(t, "forking", func(s *process.Spec) { s.Tree = tree })
		pid := p.Info().PID
		require.Eventually(t, func() bool { return strings.Contains(states(t, threads(t, pid)), "D") }, 10*time.Second, time.Millisecond)
		for range 5 {
			require.NoError(t, p.Pause(t.Context()))
			require.Regexp(t, "^T*DT*$", states(t, threads(t, pid)))
			require.NoError(t, p.Resume(t.Context()))
			require.NotContains(t, states(t, threads(t, pid)), "T")
		}
	}
}

func TestTerminate(t *testing.T) {
	tests := []struct {
		mode   string
		grace  time.Duration
		code   int
		signal string
	}{
		{"polite", 10 * time.Second, 3, ""},
		{"idle", 10 * time.Second, -1, "terminated"},
		{"stubborn", 50 * time.Millisecond, -1, "killed"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			p := start(t, tt.mode, func(s *process.Spec) { s.Grace = tt.grace })
			exit, err := p.Terminate(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.code, exit.Code)
			require.Equal(t, tt.signal, exit.Signal)
		})
	}
}

func TestATerminationThatOutlastsItsContextLeavesTheProcessRunning(t *testing.T) {
	p := start(t, "stubborn")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := p.Terminate(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Positive(t, p.Info().PID)
}

func TestACallbackMayStartTheProcessAgain(t *testing.T) {
	p := start(t, "idle")
	started := make(chan error, 10)
	p.OnExit(func(drills.Exit) { started <- p.Start(context.Background()) })
	require.NoError(t, p.Kill(t.Context()))
	require.NoError(t, <-started)
	require.NoError(t, p.Close(t.Context()))
	require.ErrorIs(t, <-started, process.ErrClosed, "after Close nothing starts")
}

func TestLogsSpanRestarts(t *testing.T) {
	p := start(t, "idle")
	require.NoError(t, p.Kill(t.Context()))
	require.NoError(t, p.Start(t.Context()))
	pids := awaitLines(t, p, 1)
	require.Equal(t, []int{p.Info().PID}, pids, "Said is about the last start only")

	r, err := p.Logs(t.Context())
	require.NoError(t, err)
	lines, text := 0, bufio.NewScanner(r)
	for text.Scan() {
		lines++
	}
	require.NoError(t, r.Close())
	require.Equal(t, 2, lines)
}

func TestAProcessThatCannotStart(t *testing.T) {
	l := process.NewLauncher()
	spec := process.Spec{Name: "replica-1", Command: []string{"/nonexistent"}, Log: filepath.Join(t.TempDir(), "log"), Quit: syscall.SIGKILL}
	p := process.New(l, spec)
	r, err := p.Logs(t.Context())
	require.NoError(t, err)
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Empty(t, text, "the log of a process that never ran")

	err = p.Start(t.Context())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "start replica-1")
	l.Close()
	l.Close()
	require.ErrorIs(t, p.Start(t.Context()), process.ErrClosed)
	require.NoError(t, p.Close(t.Context()))
}

func TestClosingTheLauncherEndsWhatIsLeft(t *testing.T) {
	l := process.NewLauncher()
	p := process.New(l, process.Spec{
		Name: "replica-1", Command: []string{os.Args[0]}, Env: []string{modeEnv + "=stubborn"},
		Log: filepath.Join(t.TempDir(), "log"), Quit: syscall.SIGKILL,
	})
	ended, err := p.Launch(t.Context())
	require.NoError(t, err)
	l.Close()
	select {
	case <-ended:
	case <-time.After(30 * time.Second):
		require.Fail(t, "the child has outlived the thread that started it")
	}
	require.NoError(t, p.Close(t.Context()))
}

func TestConfigureChangesTheNextStartsUntilItIsTakenBack(t *testing.T) {
	p := start(t, "idle")
	stopsWith := func(code int) {
		t.Helper()
		require.NoError(t, p.Kill(t.Context()))
		require.NoError(t, p.Start(t.Context()))
		awaitLines(t, p, 1)
		exit, err := p.Terminate(t.Context())
		require.NoError(t, err)
		require.Equal(t, code, exit.Code)
		require.NoError(t, p.Start(t.Context()))
		awaitLines(t, p, 1)
	}
	p.Configure(modeEnv + "=polite")
	stopsWith(3)
	p.Configure()
	stopsWith(-1)
}
