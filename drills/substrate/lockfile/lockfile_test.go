package lockfile_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/substrate/lockfile"
)

func TestALockIsHeldUntilItIsClosed(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	_, err := lockfile.Take(name, 0)
	require.ErrorIs(t, err, os.ErrNotExist)
	held, err := lockfile.Take(name, os.O_CREATE)
	require.NoError(t, err)
	_, err = lockfile.Take(name, 0)
	require.ErrorIs(t, err, lockfile.ErrHeld)
	require.NoError(t, held.Close())
	again, err := lockfile.Take(name, 0)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestALinkIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	require.NoError(t, os.WriteFile(target, nil, 0o600))
	require.NoError(t, os.Symlink(target, link))
	_, err := lockfile.Take(link, os.O_CREATE)
	require.Error(t, err)
}
