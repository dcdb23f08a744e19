package image_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

func TestWhatCannotBePackedIsSaid(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho hello\n"), 0o755))
	loop := filepath.Join(dir, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	for path, want := range map[string]string{
		filepath.Join(dir, "nothing"): "no such file",
		script:                        script + " is no program that can be packed: bad magic number",
		dir:                           "is no regular file",
		loop:                          "too many symlinks",
	} {
		err := image.NewFiles().AddProgram(t.Context(), path)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, path)
	}
}

func TestAnEndedContextEndsTheSearch(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, image.NewFiles().AddProgram(ctx, "/bin/sh"), context.Canceled)
}
