package local_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

func TestCheckFindsWhatIsThere(t *testing.T) {
	for _, f := range local.Check(t.Context(), local.Config{}) {
		require.NoError(t, f.Err)
		require.FileExists(t, f.Path)
		require.Regexp(t, `^\d+\.\d+`, f.Version)
		t.Logf("%s %s at %s", f.Name, f.Version, f.Path)
	}
}

func TestProgramsThatAreMissingOrUnfitAreTold(t *testing.T) {
	const redis = `echo "Redis server v=7.0.15 sha=0"`
	tests := []struct {
		name            string
		postgres, redis string // scripts, "" for none
		initdb          bool
		missing, says   string
	}{
		{"nothing at all", "", "", false, "postgres (15 or newer)", "apt-get install postgresql"},
		{"no Redis", `echo "postgres (PostgreSQL) 17.2"`, "", true, "redis-server (7 or newer)", "apt-get install redis-server"},
		{"an old Postgres", `echo "postgres (PostgreSQL) 14.9"`, redis, true, "postgres (15 or newer)", "is version 14.9"},
		{"an old Redis", `echo "postgres (PostgreSQL) 16beta1"`, `echo "Redis server v=6.2.1"`, true, "redis-server (7 or newer)", "is version 6.2.1"},
		{"no initdb", `echo "postgres (PostgreSQL) 15.1"`, redis, false, "postgres (15 or newer)", "initdb"},
		{"something else", `echo hello`, redis, true, "postgres (15 or newer)", "hello"},
		{"a program that fails", `exit 1`, redis, true, "postgres (15 or newer)", "exit status 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			scripts := map[string]string{"postgres": tt.postgres, "redis-server": tt.redis}
			if tt.initdb {
				scripts["initdb"] = "exit 0"
			}
			for name, script := range scripts {
				if script != "" {
					require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
				}
			}
			_, err := local.Open(t.Context(), local.Config{Search: []string{dir}})
			missing, ok := errors.AsType[*drills.EnvironmentError](err)
			require.True(t, ok, "got %v", err)
			require.Equal(t, tt.missing, missing.Missing)
			require.ErrorContains(t, missing, tt.says)
			require.ErrorContains(t, missing, "make deps")
		})
	}
}

func TestOpenSweepsTheFoldersOfDeadRunsOnly(t *testing.T) {
	dir := scratchParent(t)
	dead, foreign := filepath.Join(dir, "drillrun-dead"), filepath.Join(dir, "drillrun-of-the-user")
	require.NoError(t, os.MkdirAll(filepath.Join(dead, "1", "postgres"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, "harness.lock"), nil, 0o600))
	require.NoError(t, os.Mkdir(foreign, 0o700))
	living, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	require.NoDirExists(t, dead)

	second, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	locks, err := filepath.Glob(filepath.Join(dir, "drillrun-*", "harness.lock"))
	require.NoError(t, err)
	require.Len(t, locks, 2, "the folder of a living run must stay")
	require.NoError(t, second.Close())
	require.NoError(t, living.Close())
	require.DirExists(t, foreign, "a folder without a lock file is no scratch folder")
}

func TestAScratchFolderOutOfReachIsTold(t *testing.T) {
	closed := t.TempDir() // of mode 0755 in one of mode 0700
	if os.Geteuid() != 0 {
		// Without root the stores run as the same user, who can reach it.
		p := openProvider(t, local.Config{Dir: closed})
		newSubstrate(t, p)
		return
	}
	_, err := local.Open(t.Context(), local.Config{Dir: closed})
	missing, ok := errors.AsType[*drills.EnvironmentError](err)
	require.True(t, ok, "got %v", err)
	require.ErrorContains(t, missing, "TMPDIR")
}

// TestNothingOutlivesTheHarness kills a harness and looks for what it started.
func TestNothingOutlivesTheHarness(t *testing.T) {
	tests := []struct {
		mode   string
		within time.Duration
	}{
		{"harness", 3 * time.Second},
		// A postmaster kills frozen backends after five seconds.
		{"paused-harness", 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			dir := scratchParent(t)
			harness := osexec.Command(os.Args[0])
			harness.Env = append(os.Environ(), modeEnv+"="+tt.mode, "TMPDIR="+dir)
			harness.Stderr = os.Stderr
			out, err := harness.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, harness.Start())
			var pids []int
			require.NoError(t, json.NewDecoder(out).Decode(&pids))
			lives := map[int]string{}
			for _, pid := range pids {
				for pid, life := range livesUnder(t, pid) {
					require.NotEmpty(t, life)
					lives[pid] = life
				}
			}
			require.Greater(t, len(lives), 5, "postmaster, backends, redis and replica")

			begin := time.Now()
			require.NoError(t, harness.Process.Signal(syscall.SIGKILL))
			require.Eventually(t, func() bool { return len(survivors(t, lives)) == 0 }, tt.within, 5*time.Millisecond)
			t.Logf("%d processes gone after %v", len(lives), time.Since(begin).Round(time.Millisecond))
			_, err = io.Copy(io.Discard, out)
			require.NoError(t, err)
			require.Error(t, harness.Wait(), "it was killed")

			left, err := filepath.Glob(filepath.Join(dir, "drillrun-*"))
			require.NoError(t, err)
			require.Len(t, left, 1, "a killed harness cannot clean up")
			openProvider(t, local.Config{Dir: dir}) // sweeps it
			require.NoDirExists(t, left[0])
		})
	}
}

// TestStoresRunWithoutRoot plays the tests of the stores as an ordinary user.
func TestStoresRunWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		newSubstrate(t, openProvider(t, local.Config{})) // the other tests have just shown it
		return
	}
	const nobody = 65534
	dir := scratchParent(t)
	binary := filepath.Join(dir, "tests")
	text, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, text, 0o755))
	tmp := filepath.Join(dir, "tmp")
	require.NoError(t, os.Mkdir(tmp, 0o700))
	require.NoError(t, os.Chown(tmp, nobody, nobody))

	cmd := osexec.CommandContext(t.Context(), binary, "-test.v", "-test.run=^(TestPostgresKeeps|TestRedisKeeps|TestReplica|TestCloseEnds)")
	cmd.Dir, cmd.Env = tmp, []string{"TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS")
}
