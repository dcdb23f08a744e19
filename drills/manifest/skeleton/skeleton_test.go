package skeleton_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/manifest"
	"github.com/drillrun/drillrun/drills/manifest/skeleton"
)

func TestASkeletonIsASystem(t *testing.T) {
	dir := t.TempDir()
	written, err := skeleton.Write(dir, "shop")
	require.NoError(t, err)
	require.Equal(t, []string{
		filepath.Join(dir, "shop", skeleton.Scenario), filepath.Join(dir, "shop", "server.py"), filepath.Join(dir, "shop", skeleton.Manifest),
	}, written)
	system, err := manifest.Load(filepath.Join(dir, "shop", skeleton.Manifest))
	require.NoError(t, err)
	require.Equal(t, "shop", system.Name())
}

func TestNothingIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"file":   func(path string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
		"folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		require.NoError(t, make(filepath.Join(dir, name)))
		_, err := skeleton.Write(dir, name)
		require.ErrorContains(t, err, "exists already, and nothing is overwritten")
	}
	kept, err := os.ReadFile(filepath.Join(dir, "file"))
	require.NoError(t, err)
	require.Equal(t, "mine", string(kept))
	left, err := os.ReadDir(filepath.Join(dir, "folder"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestNamesThatNobodyCouldUse(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"", "..", "a/b", "/shop", "Shop", "1st", "-shop", "my shop", "shöp", "shop\n", strings.Repeat("x", 41)} {
		_, err := skeleton.Write(dir, name)
		require.ErrorContains(t, err, "is no name for a system", name)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = skeleton.Write(filepath.Join(dir, "missing"), "shop")
	require.ErrorIs(t, err, os.ErrNotExist)
}
