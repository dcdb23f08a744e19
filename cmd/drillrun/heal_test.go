package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// manyFaults breaks things until it is killed. It names its victims, so that it
// need not wait for a leader.
const manyFaults = `# many-faults: everything is broken at once
load jobs rate=100/s work=10ms..50ms &
latency replica-2->postgres delay=20ms
kill replica-1
partition replica-3->redis
pause replica-2
pause postgres
wait 10m
-- gates --
lost == 0
`

const (
	kills     = 20
	unguarded = 5                      // of these, the guardian is killed too
	lines     = 6                      // of the journal: the substrate's, and one for each fault
	scatter   = 700 * time.Millisecond // from one moment that is waited for to beyond the next
)

// TestNothingIsLeftOfAKilledHarness kills the harness at random moments: of its
// start, and of each step towards everything being broken.
func TestNothingIsLeftOfAKilledHarness(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	before, err := unattached()
	require.NoError(t, err)
	var killed []*harness
	for i := range kills {
		line, after := i%(lines+1), time.Duration(random.Int64N(int64(scatter)))
		h := startHarness(t, manyFaults)
		h.awaitJournal(line)
		h.runFor(after)
		guarded := i%(kills/unguarded) != 0
		if !guarded {
			h.killGuardian()
		}
		h.kill()
		begin := time.Now()
		if guarded {
			require.NoError(t, within(3*time.Second, h.nobodyLives), "killed %v after line %d of the journal", after, line)
		}
		gone := time.Since(begin).Round(time.Millisecond)

		told := h.drillrun(0, "heal", "--out", h.out)
		t.Logf("killed %v after line %d, guarded %t, gone after %v, heal said %d lines", after, line, guarded, gone, strings.Count(told, "\n"))
		require.NoError(t, h.nobodyLives())
		require.NoError(t, within(3*time.Second, func() error {
			return errors.Join(h.nothingLies(), newlyUnattached(before))
		}), "a guardian may still be at it where no journal says so")
		require.Equal(t, "nothing to heal\n", h.drillrun(0, "heal", "--out", h.out))
		killed = append(killed, h)
	}
	for _, h := range killed {
		require.NoError(t, within(3*time.Second, h.nobodyGuards))
	}
}

// TestHealLeavesALivingRunAlone heals while a drill goes on, which then passes.
func TestHealLeavesALivingRunAlone(t *testing.T) {
	h := startHarness(t, `# living: a drill that passes if nobody touches it
load jobs rate=100/s work=10ms..50ms &
await steady
pause replica-2 for=500ms
stop load
drain
-- gates --
lost == 0
`)
	h.awaitJournal(2)
	for range 3 {
		told := h.drillrun(0, "heal", "--out", h.out)
		require.Regexp(t, `^\S+ is still running: left alone\nnothing to heal\n$`, told)
	}
	require.NoError(t, h.cmd.Wait(), "%s", &h.said)
	h.drillrun(0, "check", h.folder())
}

// harness is a drillrun that drills, with all that it makes in folders of its
// own.
type harness struct {
	t        *testing.T
	cmd      *exec.Cmd
	said     bytes.Buffer
	tmp, out string
}

func startHarness(t *testing.T, script string) *harness {
	t.Helper()
	dir := t.TempDir()
	h := &harness{t: t, tmp: filepath.Join(dir, "tmp"), out: filepath.Join(dir, "runs")}
	// The stores' user must be able to pass.
	require.NoError(t, errors.Join(os.Mkdir(h.tmp, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755)))
	file := filepath.Join(dir, "drill.txtar")
	require.NoError(t, os.WriteFile(file, []byte(script), 0o600))
	h.cmd = h.command("run", file, "--out", h.out)
	h.cmd.Stdout, h.cmd.Stderr = &h.said, &h.said
	require.NoError(t, h.cmd.Start())
	return h
}

func (h *harness) command(args ...string) *exec.Cmd {
	cmd := exec.Command("drillrun", args...)
	// A race detector would keep every program for a second after its end.
	cmd.Env = append(os.Environ(), "TMPDIR="+h.tmp, "GORACE=atexit_sleep_ms=0")
	return cmd
}

// drillrun runs a command beside it and returns what it prints.
func (h *harness) drillrun(code int, args ...string) string {
	h.t.Helper()
	cmd := h.command(args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		require.ErrorAs(h.t, err, &exit)
	}
	require.Equal(h.t, code, cmd.ProcessState.ExitCode(), "drillrun %s\n%s%s", strings.Join(args, " "), &out, &said)
	return out.String()
}

// folder is that of its only run, "" as long as there is none.
func (h *harness) folder() string {
	h.t.Helper()
	folders, err := filepath.Glob(filepath.Join(h.out, "*"))
	require.NoError(h.t, err)
	if len(folders) == 0 {
		return ""
	}
	return folders[0]
}

// awaitJournal waits until its journal has that many lines.
func (h *harness) awaitJournal(lines int) {
	h.t.Helper()
	require.NoError(h.t, within(30*time.Second, func() error {
		text, err := os.ReadFile(filepath.Join(h.folder(), "undo.jsonl"))
		if err != nil && (lines > 0 || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		if bytes.Count(text, []byte("\n")) < lines {
			return errors.New("the journal is shorter")
		}
		return nil
	}))
}

// runFor lets it go on for that time.
func (h *harness) runFor(d time.Duration) {
	h.t.Helper()
	<-time.After(d)
	require.NoError(h.t, h.cmd.Process.Signal(syscall.Signal(0)), "it still runs")
}

// kill kills the harness and nothing else.
func (h *harness) kill() {
	h.t.Helper()
	require.NoError(h.t, h.cmd.Process.Kill())
	require.Error(h.t, h.cmd.Wait())
	require.Equal(h.t, -1, h.cmd.ProcessState.ExitCode(), "it ended by itself:\n%s", &h.said)
}

func (h *harness) killGuardian() {
	h.t.Helper()
	for _, p := range h.inhabitants() {
		if p.guards() {
			require.NoError(h.t, syscall.Kill(p.pid, syscall.SIGKILL))
		}
	}
}

func (p process) guards() bool { return strings.HasPrefix(read(p, "cmdline"), "drillrun-guardian") }

// inhabitants are the processes that have anything to do with its scratch data.
func (h *harness) inhabitants() (found family) {
	h.t.Helper()
	all, err := processes()
	require.NoError(h.t, err)
	for _, p := range all {
		at, err := os.Readlink(procFile(p, "cwd"))
		if err != nil {
			continue // it has just ended
		}
		if strings.Contains(at+"\x00"+read(p, "cmdline")+"\x00"+read(p, "environ"), h.tmp) {
			found = append(found, p)
		}
	}
	return found
}

// nobodyLives is an error as long as a process lives that is no guardian.
func (h *harness) nobodyLives() error {
	if left := slices.DeleteFunc(h.inhabitants(), process.guards); len(left) > 0 {
		return fmt.Errorf("%d processes live: %v", len(left), left)
	}
	return nil
}

func (h *harness) nobodyGuards() error {
	if left := h.inhabitants(); len(left) > 0 {
		return fmt.Errorf("the guardian lives: %v", left)
	}
	return nil
}

func (h *harness) nothingLies() error {
	left, err := filepath.Glob(filepath.Join(h.tmp, "*"))
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("scratch data are left: %v", left)
	}
	return err
}

func procFile(p process, name string) string { return fmt.Sprintf("/proc/%d/%s", p.pid, name) }

// read gives a file of /proc, "" for a process that has ended.
func read(p process, name string) string {
	text, err := os.ReadFile(procFile(p, name))
	if err != nil {
		return ""
	}
	return string(text)
}

// unattached lists the System V shared memory that nobody uses any more.
func unattached() (ids []string, err error) {
	text, err := os.ReadFile("/proc/sysvipc/shm")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); fields[6] == "0" {
			ids = append(ids, fields[1])
		}
	}
	return ids, err
}

func newlyUnattached(before []string) error {
	ids, err := unattached()
	for _, id := range ids {
		if !slices.Contains(before, id) {
			err = errors.Join(err, fmt.Errorf("shared memory %s is left", id))
		}
	}
	return err
}
