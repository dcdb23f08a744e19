package image_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

func TestAPackedProgramRuns(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	static := filepath.Join(t.TempDir(), "hello")
	build := exec.Command("go", "build", "-o", static, "testdata/hello.go")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))

	for _, p := range []struct {
		name, path, says string
		env, args        []string
	}{
		{name: "static", path: static, says: "hello from a static program\n"},
		{name: "dynamic", path: "/bin/sh", says: "hello\n", args: []string{"-c", "echo hello >/tmp/x && while read line; do echo $line; done </tmp/x"}},
		// With the race detector, if this test has it: that makes it dynamic.
		{name: "itself", path: self, says: "hello, as 65534 in /tmp\n", env: []string{saying + "=hello"}},
	} {
		t.Run(p.name, func(t *testing.T) {
			c := enginetest.Engine(t)
			name, err := image.Pack(t.Context(), c, p.path, repository(t, c), label(t))
			require.NoError(t, err)
			b := newBox(t, c, container.Config{Image: name, Env: p.env, Cmd: p.args})
			b.start()
			require.Zero(t, b.wait(), b.logs())
			require.Equal(t, p.says, b.logs())
		})
	}
}

func TestWhatIsPackedIsNotBuiltAgain(t *testing.T) {
	c := enginetest.Engine(t)
	repository := repository(t, c)
	pack := func() string {
		name, err := image.Pack(t.Context(), c, "/bin/sh", repository, label(t))
		require.NoError(t, err)
		return name
	}
	name := pack()
	require.Regexp(t, "^"+repository+":[0-9a-f]{12}$", name)
	first := inspect(t, c, name)
	require.Equal(t, first.ID, inspect(t, c, repository+":latest").ID)
	require.Equal(t, repository, first.Config.Labels[image.RepositoryLabel])
	require.Equal(t, t.Name(), first.Config.Labels[enginetest.Label])

	require.Equal(t, name, pack())
	again, err := image.Pack(t.Context(), c, "/bin/sh", repository, image.Label{Name: "not", Value: "built"})
	require.NoError(t, err)
	require.Equal(t, name, again)
	require.Equal(t, first.ID, inspect(t, c, name).ID)

	for _, tag := range []string{name, repository + ":latest"} {
		_, err := c.ImageRemove(t.Context(), tag, client.ImageRemoveOptions{})
		require.NoError(t, err)
	}
	present, err := image.Present(t.Context(), c, name)
	require.NoError(t, err)
	require.False(t, present)
	require.Equal(t, name, pack())
	require.Equal(t, first.ID, inspect(t, c, name).ID, "the same files make the same image")
	present, err = image.Present(t.Context(), c, name)
	require.NoError(t, err)
	require.True(t, present)
}

func TestPackRefusesWhatIsNoProgram(t *testing.T) {
	c := enginetest.Engine(t)
	_, err := image.Pack(t.Context(), c, "testdata/hello.go", repository(t, c), label(t))
	require.ErrorContains(t, err, "testdata/hello.go is no program that can be packed")
	_, err = image.Pack(t.Context(), c, "testdata/nothing", repository(t, c), label(t))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func inspect(t *testing.T, c *client.Client, name string) client.ImageInspectResult {
	t.Helper()
	found, err := c.ImageInspect(t.Context(), name)
	require.NoError(t, err)
	return found
}
