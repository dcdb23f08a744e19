package local_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// modeEnv makes the test binary play another part.
const modeEnv = "LOCAL_TEST_MODE"

func TestMain(m *testing.M) {
	prober.Run()
	switch mode := os.Getenv(modeEnv); mode {
	case "":
		goleak.VerifyTestMain(m)
	case "replica":
		playReplica()
	default:
		playHarness(mode)
	}
}

// playReplica answers each request with its environment.
func playReplica() {
	answer := func(w http.ResponseWriter, _ *http.Request) {
		if _, err := io.WriteString(w, strings.Join(os.Environ(), "\n")); err != nil {
			panic(err)
		}
	}
	fmt.Println("replica starts")
	panic(http.ListenAndServe(os.Getenv("API_ADDR"), http.HandlerFunc(answer)))
}

// playHarness starts one process of each kind, pauses them if its mode says
// so, tells their pids and waits to be killed.
func playHarness(mode string) {
	ctx := context.Background()
	check := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	p, err := local.Open(ctx, local.Config{})
	check(err)
	s, err := p.New(ctx, local.Options{})
	check(err)
	pg, err := s.Store(ctx, "postgres", drills.RolePostgres)
	check(err)
	redis, err := s.Store(ctx, "redis", drills.RoleRedis)
	check(err)
	replica, err := s.Launch(ctx, replicaSpec("replica-1"))
	check(err)
	var pids []int
	for _, process := range []drills.Process{pg, redis, replica} {
		pids = append(pids, process.Info().PID)
		if pauser, ok := process.(drills.Pauser); ok && mode == "paused-harness" {
			check(pauser.Pause(ctx))
		}
	}
	runtime.GC() // closes the files of what is not held, and the guardian takes that for the harness's end
	check(json.NewEncoder(os.Stdout).Encode(pids))
	<-make(chan struct{})
	runtime.KeepAlive(s)
	runtime.KeepAlive(p)
}

// harness is one that another process plays, with all that lives under it.
type harness struct {
	cmd     *osexec.Cmd
	out     io.Reader
	dir     string // where its scratch folder is
	segment string
	lives   map[int]string
}

func startHarness(t *testing.T, mode string) *harness {
	t.Helper()
	h := &harness{cmd: osexec.Command(os.Args[0]), dir: scratchParent(t), lives: map[int]string{}}
	h.cmd.Env = append(os.Environ(), modeEnv+"="+mode, "TMPDIR="+h.dir)
	h.cmd.Stderr = os.Stderr
	var err error
	h.out, err = h.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.cmd.Start())
	t.Cleanup(func() {
		if h.cmd.ProcessState == nil { // the test has failed before its kill
			h.kill(t)
		}
	})
	var pids []int
	require.NoError(t, json.NewDecoder(h.out).Decode(&pids))
	for _, pid := range pids {
		for pid, life := range livesUnder(t, pid) {
			require.NotEmpty(t, life)
			h.lives[pid] = life
		}
	}
	require.Greater(t, len(h.lives), 5, "postmaster, backends, redis and replica")
	h.segment = segment(t, h.dir)
	require.Contains(t, segments(t), h.segment)
	return h
}

// kill kills the harness alone.
func (h *harness) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, h.cmd.Process.Kill())
	_, err := io.Copy(io.Discard, h.out)
	require.NoError(t, err)
	require.Error(t, h.cmd.Wait(), "it was killed")
}

// guardian is the one child that is none of the drill's.
func (h *harness) guardian(t *testing.T) (pid int) {
	t.Helper()
	for child := range livesUnder(t, h.cmd.Process.Pid) {
		if line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); err == nil && strings.HasPrefix(string(line), "drillrun-guardian") {
			pid = child
		}
	}
	require.NotZero(t, pid, "the harness has no guardian")
	return pid
}

func scratchFolders(t *testing.T, dir string) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join(dir, "drillrun-*"))
	require.NoError(t, err)
	return folders
}

func replicaSpec(name string) drills.ProcessSpec {
	return drills.ProcessSpec{
		Name: name, Command: []string{os.Args[0]}, Env: []string{modeEnv + "=replica"},
		Ports: []string{"API_ADDR", "ADMIN_ADDR"}, Grace: 5 * time.Second,
	}
}

// scratchParent is a folder that the stores' user can pass through, which
// those of tests are not.
func scratchParent(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

func openProvider(t *testing.T, c local.Config) *local.Provider {
	t.Helper()
	if c.Dir == "" {
		c.Dir = scratchParent(t)
	}
	p, err := local.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, p.Close())
		require.NoError(t, p.Close(), "twice")
		left, err := filepath.Glob(filepath.Join(c.Dir, "drillrun-*"))
		require.NoError(t, err)
		require.Empty(t, left, "the scratch folder must be gone")
	})
	return p
}

func newSubstrate(t *testing.T, p *local.Provider) drills.Substrate {
	t.Helper()
	s, err := p.New(t.Context(), local.Options{Logs: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close(context.WithoutCancel(t.Context()))) })
	return s
}

func ask(addr string) (string, error) {
	client := http.Client{Timeout: 200 * time.Millisecond, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Get("http://" + addr)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	return string(text), err
}

func awaitAnswer(t *testing.T, addr string) (answer string) {
	t.Helper()
	require.Eventually(t, func() (ok bool) {
		var err error
		answer, err = ask(addr)
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "nobody answers at %s", addr)
	return answer
}

// life tells one life of a pid from another; "" if it has ended.
func life(t *testing.T, pid int) string {
	t.Helper()
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
	if fields[0] == "Z" || fields[0] == "X" {
		return ""
	}
	return fmt.Sprintf("%d since %s", pid, fields[19])
}

// childrenOf lists the lives of the children of a process and its own.
func livesUnder(t *testing.T, pid int) (lives map[int]string) {
	t.Helper()
	lives = map[int]string{pid: life(t, pid)}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fields := strings.Fields(string(line[strings.LastIndexByte(string(line), ')')+1:]))
		if fields[1] == fmt.Sprint(pid) {
			var child int
			_, err := fmt.Sscan(string(line), &child)
			require.NoError(t, err)
			if l := life(t, child); l != "" {
				lives[child] = l
			}
		}
	}
	return lives
}

func survivors(t *testing.T, lives map[int]string) (left []string) {
	t.Helper()
	for pid, l := range lives {
		if life(t, pid) == l {
			left = append(left, l)
		}
	}
	return left
}

// segment is the System V shared memory of the one Postgres under dir that runs
// or was killed.
func segment(t *testing.T, dir string) (id string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "drillrun-*", "*", "postgres", "postmaster.pid"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	return strings.Fields(strings.Split(string(text), "\n")[6])[1]
}

// segments lists the System V shared memory of the machine.
func segments(t *testing.T) (ids []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/shm")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		ids = append(ids, strings.Fields(line)[1])
	}
	return ids
}
