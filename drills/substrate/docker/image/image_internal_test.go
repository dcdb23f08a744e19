package image

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
)

func TestAClosureIsWhatTheLoaderLoads(t *testing.T) {
	f := NewFiles()
	require.NoError(t, f.AddProgram(t.Context(), "/bin/sh"))
	loader, err := interpreter("/bin/sh")
	require.NoError(t, err)
	libraries, err := needed(t.Context(), loader, "/bin/sh")
	require.NoError(t, err)
	require.NotEmpty(t, libraries)
	for _, path := range append(libraries, loader, "/bin/sh") {
		require.Equal(t, readHere(t, path), readPacked(t, f, path), path)
	}
}

func TestLinksAreKeptAndFollowed(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "deep/deeper"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "deep/file"), []byte("text"), 0o600))
	require.NoError(t, os.Symlink("../file", filepath.Join(dir, "deep/deeper/relative")))
	require.NoError(t, os.Symlink(filepath.Join(dir, "deep/deeper"), filepath.Join(dir, "absolute")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "deep/dangling")))
	f := NewFiles()
	require.NoError(t, f.AddTree(dir, func(string) bool { return false }))
	require.Equal(t, "text", readPacked(t, f, filepath.Join(dir, "absolute/relative")))
	require.Equal(t, os.FileMode(0o644), f.entries[filepath.Join(dir, "deep/file")].mode)
	require.ErrorIs(t, f.Add(filepath.Join(dir, "deep/dangling")), os.ErrNotExist)
}

func readHere(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

// readPacked reads a file as a container would, through the links of the image.
func readPacked(t *testing.T, f *Files, path string) string {
	t.Helper()
	root := t.TempDir()
	for name, e := range f.withParents() {
		if e.mode.IsDir() {
			require.NoError(t, os.MkdirAll(root+name, 0o755))
		}
	}
	for name, e := range f.entries {
		switch {
		case e.target != "" && filepath.IsAbs(e.target):
			require.NoError(t, os.Symlink(root+e.target, root+name))
		case e.target != "":
			require.NoError(t, os.Symlink(e.target, root+name))
		case e.source != "":
			require.NoError(t, os.WriteFile(root+name, []byte(readHere(t, e.source)), 0o600))
		}
	}
	return readHere(t, root+path)
}

func TestAMissingToolIsToldWithItsPackage(t *testing.T) {
	_, err := tool{"no-such-tool", "its-package"}.find()
	var missing *drills.EnvironmentError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, "no-such-tool", missing.Missing)
	require.Contains(t, missing.Hint, "apt-get install its-package")
}

func TestAnErrorInTheEnginesAnswerIsAnError(t *testing.T) {
	require.NoError(t, outcome(strings.NewReader(`{"stream":"Loaded image: x"}`)))
	err := outcome(strings.NewReader(`{"stream":"Loading"}{"errorDetail":{"message":"no space left"},"error":"no space left"}`))
	require.EqualError(t, err, "no space left")
	require.ErrorContains(t, outcome(strings.NewReader(`{"stream":`)), "read the engine's answer")
}

func TestAFileThatChangesWhileItIsPackedFailsTheBuild(t *testing.T) {
	c := enginetest.Engine(t)
	for change, want := range map[string]string{
		"other":                     "invalid diffID",
		strings.Repeat("more", 999): "write too long",
		"":                          "no such file",
	} {
		path := filepath.Join(t.TempDir(), "file")
		require.NoError(t, os.WriteFile(path, []byte("first"), 0o600))
		f := NewFiles()
		require.NoError(t, f.AddAs(path, "/file"))
		a, err := newArchive("drillrun-test/changes:1", ocispec.ImageConfig{Labels: labelled("drillrun-test/changes", nil)}, f)
		require.NoError(t, err)
		require.NoError(t, os.Remove(path))
		if change != "" {
			require.NoError(t, os.WriteFile(path, []byte(change), 0o600))
		}
		require.ErrorContains(t, load(t.Context(), c, a), want)
		present, err := Present(t.Context(), c, "drillrun-test/changes:1")
		require.NoError(t, err)
		require.False(t, present)
	}
}

func TestOldImagesGoUnlessTheyAreInUse(t *testing.T) {
	c := enginetest.Engine(t)
	const repository = "drillrun-test/old"
	label := Label{enginetest.Label, t.Name()}
	ctx := context.WithoutCancel(t.Context())
	removed := func(name string) {
		_, err := c.ImageRemove(ctx, name, client.ImageRemoveOptions{Force: true, PruneChildren: true})
		require.True(t, err == nil || errdefs.IsNotFound(err), "%v", err)
	}
	t.Cleanup(func() { removed(repository + ":" + latest) })
	var names []string
	for _, program := range []string{"/bin/sh", "/bin/cat", "/bin/sleep"} {
		name, err := Pack(t.Context(), c, program, repository, label)
		require.NoError(t, err)
		names = append(names, name)
		t.Cleanup(func() { removed(name) })
	}
	user, err := c.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &container.Config{
		Image: names[0], Labels: map[string]string{label.Name: label.Value},
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := c.ContainerRemove(ctx, user.ID, client.ContainerRemoveOptions{Force: true})
		require.NoError(t, err)
	})

	require.NoError(t, prune(t.Context(), c, repository, time.Now().Add(-time.Minute)))
	require.Equal(t, []bool{true, true, true}, present(t, c, names), "all were asked for just now")
	require.NoError(t, prune(t.Context(), c, repository, time.Now()))
	require.Equal(t, []bool{true, false, true}, present(t, c, names), "the first is in use, the last is the latest")
}

func present(t *testing.T, c *client.Client, names []string) (found []bool) {
	t.Helper()
	for _, name := range names {
		is, err := Present(t.Context(), c, name)
		require.NoError(t, err)
		found = append(found, is)
	}
	return found
}
