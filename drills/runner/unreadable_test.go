package runner_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/lost"
)

// judge knows two gates.
func judge(t *testing.T) runner.Judge {
	t.Helper()
	known := map[string]gates.Metric{"lost": lost.Metric(), "failover": failover.Metric()}
	return runner.Judge{Gates: func(string, []byte) (all []gates.Gate, err error) {
		for _, line := range []string{"lost == 0", "failover < 1s"} {
			g, err := gates.Compile(line, known)
			require.NoError(t, err)
			all = append(all, g)
		}
		return all, nil
	}}
}

// emptyRun is the folder of a run without a history.
func emptyRun(t *testing.T) runner.Folder {
	t.Helper()
	f := runner.Folder(t.TempDir())
	require.NoError(t, os.WriteFile(f.File(runner.ScenarioFile), nil, 0o600))
	require.NoError(t, os.WriteFile(f.File(runner.RunFile), []byte(`{"scenario":"kill","system":"shop","seed":7}`), 0o600))
	return f
}

func TestAFolderWithoutAHistoryIsUnknownAndNothingElse(t *testing.T) {
	f := emptyRun(t)
	for name, prepare := range map[string]func(path string) error{
		"none":      func(string) error { return nil },
		"a folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"cut short": func(path string) error { return os.WriteFile(path, []byte(`{"header":`), 0o600) },
	} {
		require.NoError(t, prepare(f.File(runner.HistoryFile)), name)
		r, err := judge(t).Check(t.Context(), f, "")
		require.NoError(t, err, name)
		require.Equal(t, gates.Unknown, r.Verdict, name)
		require.Equal(t, "kill of shop", r.Scenario+" of "+r.System, "as run.json has it")
		require.EqualValues(t, 7, r.Seed)
		for _, g := range r.Gates {
			require.Equal(t, gates.Unknown, g.Verdict, "it is not said what the system promises")
			require.Contains(t, g.Why, "cannot be believed")
		}
		if name == "none" {
			require.Contains(t, r.Why[0], "no history.jsonl in "+string(f))
		}
		require.NoError(t, os.RemoveAll(f.File(runner.HistoryFile)))
	}
}

func TestNoFileOfARunIsWaitedFor(t *testing.T) {
	f := runner.Folder(t.TempDir())
	require.NoError(t, syscall.Mkfifo(f.File(runner.ScenarioFile), 0o600))
	_, err := judge(t).Check(t.Context(), f, "")
	require.ErrorContains(t, err, "want a regular file")
	require.NoError(t, os.Remove(f.File(runner.ScenarioFile)))
	require.NoError(t, os.Symlink("/dev/zero", f.File(runner.ScenarioFile)))
	_, err = judge(t).Check(t.Context(), f, "")
	require.ErrorContains(t, err, "want a regular file")
	require.NoError(t, os.Remove(f.File(runner.ScenarioFile)))
	require.NoError(t, os.WriteFile(f.File(runner.ScenarioFile), make([]byte, 2<<20), 0o600))
	_, err = judge(t).Check(t.Context(), f, "")
	require.ErrorContains(t, err, "is too long")
}

func TestJudgingEndsWithItsContext(t *testing.T) {
	f := emptyRun(t)
	log, err := history.Create(f.File(runner.HistoryFile), history.Header{
		Schema: history.SchemaVersion, Digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	})
	require.NoError(t, err)
	for range 5000 {
		log.Append(history.Event{Actor: "x", Op: "y", Phase: history.OK})
	}
	require.NoError(t, log.Seal())
	require.NoError(t, os.Remove(f.File(runner.RunFile))) // it is of another history
	_, err = judge(t).Check(t.Context(), f, "")
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted by Ctrl-C")
	cancel(why)
	begun := time.Now()
	_, err = judge(t).Check(ctx, f, "")
	require.ErrorIs(t, err, why)
	require.Less(t, time.Since(begun), time.Second)
}

func TestWhatMayNotBeReadIsSaidFirst(t *testing.T) {
	f := emptyRun(t)
	j := judge(t)
	j.Gates = nil // it is not come to
	require.NoError(t, os.Remove(f.File(runner.ScenarioFile)))
	_, err := j.Check(t.Context(), f, "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "is not the folder of a run")
	require.ErrorContains(t, f.Known(), "is not the folder of a run")
}

func TestSudoHandsOverWhatItLeaves(t *testing.T) {
	t.Setenv("SUDO_UID", "12345")
	t.Setenv("SUDO_GID", "12346")
	uid, gid, found := runner.Owner()
	require.Equal(t, os.Geteuid() == 0, found, "only root can hand over")
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, nil, 0o600))
	f := emptyRun(t)
	require.NoError(t, os.Mkdir(f.File(runner.LogsFolder), 0o700))
	require.NoError(t, os.Symlink(outside, f.File("logs/leads-out")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), f.File("logs/leads-away")))
	require.NoError(t, f.HandOver())
	if found {
		for _, path := range []string{string(f), f.File(runner.RunFile), f.File(runner.LogsFolder), f.File("logs/leads-out")} {
			require.Equal(t, []int{uid, gid}, owner(t, path), path)
		}
	}
	require.Equal(t, os.Geteuid(), owner(t, outside)[0], "a link leads nowhere")

	t.Setenv("SUDO_UID", "0")
	_, _, found = runner.Owner()
	require.False(t, found, "root for itself")
	t.Setenv("SUDO_UID", "")
	_, _, found = runner.Owner()
	require.False(t, found)
}

func owner(t *testing.T, path string) []int {
	t.Helper()
	about, err := os.Lstat(path)
	require.NoError(t, err)
	stat, ok := about.Sys().(*syscall.Stat_t)
	require.True(t, ok)
	return []int{int(stat.Uid), int(stat.Gid)}
}
