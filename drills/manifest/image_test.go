package manifest

import (
	"context"
	"os"
	"strings"
	"testing"

	engineapi "github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

// contained is an environment of containers, with an image of the test binary.
func contained(t *testing.T) (env drills.Environment, name string) {
	t.Helper()
	engine := enginetest.Engine(t)
	p, err := docker.Open(t.Context(), docker.Config{})
	if err != nil {
		t.Skipf("NOT RUN: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	name, err = image.Pack(t.Context(), engine, os.Args[0], "drillrun/manifest-test")
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, tag := range []string{name, "drillrun/manifest-test:latest"} {
			_, err := engine.ImageRemove(context.WithoutCancel(t.Context()), tag, engineapi.ImageRemoveOptions{Force: true})
			require.NoError(t, err)
		}
	})
	s, err := p.New(t.Context(), docker.Options{Logs: t.TempDir()})
	require.NoError(t, err)
	return drills.Environment{Substrate: s, Witness: "127.0.0.1:1", Token: func(string) string { return "token" }}, name
}

// imaged is the greeted system, of images; its store has a port of its own choice.
func imaged(name string) string {
	source := strings.ReplaceAll(stopping("/later"), "command: [PROGRAM]", "image: "+name)
	return strings.Replace(strings.Replace(source, "tcp: GREETER", "tcp: 7777", 1), ": greeter}", ": greeter, GREETER: 0.0.0.0:7777}", 1)
}

func TestImagesAreRunInContainers(t *testing.T) {
	env, name := contained(t)
	c, err := parse(t, imaged(name)).Start(t.Context(), env, 2)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(context.WithoutCancel(t.Context()))) }()
	client, err := c.Open(t.Context(), "replica-2")
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	answer, err := client.Do(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, "pid 1", string(answer), "the greeter is the first of its container")
	store := c.Processes()[2]
	require.NoError(t, store.Kill(t.Context()))
	_, err = client.Do(t.Context(), job)
	require.Error(t, err)
	require.NoError(t, store.Start(t.Context()))
	replica := c.Processes()[0]
	require.Equal(t, drills.ByRequest, replica.(drills.Asked).AskedBy())
	exit, err := replica.(drills.Terminator).Terminate(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, exit.Code)
}

func TestAnImageThatIsNotThereIsNotPulled(t *testing.T) {
	env, _ := contained(t)
	source := strings.Replace(imaged("drillrun/no-such:1"), "ports: {http", "missing: make images\n  ports: {http", 1)
	_, err := parse(t, source).Start(t.Context(), env, 2)
	require.ErrorContains(t, err, "the image drillrun/no-such:1")
	require.ErrorContains(t, err, "; the manifest says: make images")
	var lacking *drills.EnvironmentError
	require.ErrorAs(t, err, &lacking)
	require.Contains(t, lacking.Hint, "docker pull drillrun/no-such:1")
}

func TestImagesNeedContainers(t *testing.T) {
	_, err := parse(t, imaged("drillrun/postgres")).Start(t.Context(), environment(t), 2)
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, "image drillrun/postgres: ")
	require.ErrorContains(t, err, "images are run with --substrate docker")
}
