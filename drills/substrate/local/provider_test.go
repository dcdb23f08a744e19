package local_test

import (
	"errors"
	"os"
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
		require.NotEmpty(t, f.Have)
		t.Logf("%s: %s", f.Name, f.Have)
		if f.Path != "" {
			require.FileExists(t, f.Path)
			require.Regexp(t, `^\d+\.\d+`, f.Version)
		}
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
	dead, unborn, foreign := filepath.Join(dir, "drillrun-1"), filepath.Join(dir, "drillrun-2"), filepath.Join(dir, "drillrun-3")
	require.NoError(t, os.MkdirAll(filepath.Join(dead, "1", "postgres"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, "harness.lock"), nil, 0o600))
	require.NoError(t, os.Mkdir(unborn, 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(foreign, "data"), 0o700))
	living, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	require.NoDirExists(t, dead)
	require.NoDirExists(t, unborn, "its harness was killed before it had locked the folder")

	second, err := local.Open(t.Context(), local.Config{Dir: dir})
	require.NoError(t, err)
	locks, err := filepath.Glob(filepath.Join(dir, "drillrun-*", "harness.lock"))
	require.NoError(t, err)
	require.Len(t, locks, 2, "the folder of a living run must stay")
	require.NoError(t, second.Close())
	require.NoError(t, living.Close())
	require.DirExists(t, foreign, "a folder with data and no lock file is no scratch folder")
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
	for _, mode := range []string{"harness", "paused-harness"} {
		t.Run(mode, func(t *testing.T) {
			h := startHarness(t, mode)
			begin := time.Now()
			h.kill(t)
			require.Eventually(t, func() bool { return len(survivors(t, h.lives)) == 0 }, 30*time.Second, 5*time.Millisecond)
			t.Logf("%d processes gone after %v", len(h.lives), time.Since(begin).Round(time.Millisecond))
			require.Eventually(t, func() bool { return len(scratchFolders(t, h.dir)) == 0 }, 20*time.Second, 5*time.Millisecond)
			require.NotContains(t, segments(t), h.segment)
		})
	}
}

// TestHealEndsWhatNobodyGuarded kills a harness together with its guardian, so
// that frozen processes, data and shared memory stay.
func TestHealEndsWhatNobodyGuarded(t *testing.T) {
	h := startHarness(t, "paused-harness")
	place := scratchFolders(t, h.dir)[0]
	_, err := local.Heal(t.Context(), local.Config{Dir: h.dir})
	require.NoError(t, err)
	require.DirExists(t, place, "the harness still lives")

	require.NoError(t, syscall.Kill(h.guardian(t), syscall.SIGKILL))
	h.kill(t)
	done, err := local.Heal(t.Context(), local.Config{Dir: h.dir}, place)
	require.NoError(t, err)
	require.Len(t, done, 2)
	require.Regexp(t, "^ended [0-9]+ processes of "+place+": .*postgres", done[0])
	require.Equal(t, "removed "+place, done[1])
	require.Empty(t, survivors(t, h.lives))
	require.NotContains(t, segments(t), h.segment)
	require.NoDirExists(t, place)

	for _, places := range [][]string{{place}, nil} {
		done, err = local.Heal(t.Context(), local.Config{Dir: h.dir}, places...)
		require.NoError(t, err)
		require.Empty(t, done, "there is nothing to heal twice")
	}
}

func TestHealRemovesScratchFoldersOnly(t *testing.T) {
	dir := scratchParent(t)
	unmarked, unnamed := filepath.Join(dir, "drillrun-1"), filepath.Join(dir, "drillrun-data")
	require.NoError(t, os.MkdirAll(filepath.Join(unmarked, "data"), 0o700))
	require.NoError(t, os.Mkdir(unnamed, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(unnamed, "harness.lock"), nil, 0o600))
	for _, place := range []string{unmarked, unnamed, filepath.Join(dir, "drillrun-2"), ""} {
		done, err := local.Heal(t.Context(), local.Config{Dir: dir}, place)
		require.NoError(t, err)
		require.Empty(t, done)
	}
	require.DirExists(t, unmarked)
	require.DirExists(t, unnamed)
}

// TestStoresRunWithoutRoot plays the tests of stores as an ordinary user.
func TestStoresRunWithoutRoot(t *testing.T) {
	if os.Geteuid() != 0 {
		newSubstrate(t, openProvider(t, local.Config{})) // the other tests have just shown it
		return
	}
	const nobody = 65534
	out, err := testsAs(t, nobody, "^(TestExercise|TestNothingIsLeft|TestNothingOutlives|TestHealEnds)/^(stores|killed|harness)$")
	require.NoError(t, err, out)
	require.Contains(t, out, "PASS")
}
