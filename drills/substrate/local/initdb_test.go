package local_test

import (
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestNoSharedMemoryIsLeftOfAnInitdb kills harnesses while initdb runs, whose servers
// keep some in /dev/shm.
func TestNoSharedMemoryIsLeftOfAnInitdb(t *testing.T) {
	before, err := sharedFiles()
	require.NoError(t, err)
	for after := time.Duration(0); after < 600*time.Millisecond; after += 100 * time.Millisecond {
		dir := scratchParent(t)
		h := osexec.Command(os.Args[0])
		h.Env = append(os.Environ(), modeEnv+"=harness", "TMPDIR="+dir)
		require.NoError(t, h.Start())
		require.Eventually(t, func() bool {
			found, err := filepath.Glob(filepath.Join(dir, "drillrun-*", "template", "*"))
			return err == nil && len(found) > 0
		}, 20*time.Second, 5*time.Millisecond, "initdb runs")
		<-time.After(after)
		require.NoError(t, h.Process.Kill())
		require.Error(t, h.Wait())
		require.Eventually(t, func() bool { return len(scratchFolders(t, dir)) == 0 }, 20*time.Second, 5*time.Millisecond)
	}
	require.Eventually(t, func() bool {
		now, err := sharedFiles()
		for name := range now {
			if !before[name] && !used(name) {
				return false
			}
		}
		return err == nil
	}, 5*time.Second, 50*time.Millisecond, "shared memory that nobody uses is left")
}

// sharedFiles are those of Postgres in /dev/shm.
func sharedFiles() (map[string]bool, error) {
	found, err := filepath.Glob("/dev/shm/PostgreSQL.*")
	files := map[string]bool{}
	for _, name := range found {
		files[name] = true
	}
	return files, err
}

// used says whether a process has that file mapped: another drill may go on.
func used(name string) bool {
	all, err := filepath.Glob("/proc/[0-9]*/maps")
	for _, maps := range all {
		text, readErr := os.ReadFile(maps)
		if readErr == nil && strings.Contains(string(text), name) {
			return true
		}
	}
	if _, gone := os.Stat(name); errors.Is(gone, os.ErrNotExist) {
		return true // it was, a moment ago
	}
	return err != nil
}
