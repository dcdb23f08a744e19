package docker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
)

// harnessMark makes the test binary a harness that waits to be killed, and names
// the folder of its logs.
const harnessMark = "DOCKER_TEST_HARNESS"

// runHarness starts a store, tells where it is and waits for its end.
func runHarness() {
	logs := os.Getenv(harnessMark)
	if logs == "" {
		return
	}
	ctx := context.Background()
	p, err := docker.Open(ctx, docker.Config{})
	if err != nil {
		panic(err)
	}
	s, err := p.New(ctx, docker.Options{Logs: logs})
	if err != nil {
		panic(err)
	}
	if _, err := s.Store(ctx, "redis", drills.RoleRedis); err != nil {
		panic(err)
	}
	fmt.Println(s.(drills.Placed).Place())
	select {}
}

func TestHealRemovesWhatADeadHarnessLeftAndNothingElse(t *testing.T) {
	engine := images(t)
	alive := newSubstrate(t, open(t))
	defer func() { require.NoError(t, alive.Close(t.Context())) }()

	harness := exec.Command("/proc/self/exe")
	harness.Env = append(os.Environ(), harnessMark+"="+t.TempDir())
	harness.Stderr = os.Stderr
	out, err := harness.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, harness.Start())
	place, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	place = strings.TrimSpace(place)

	_, err = docker.Heal(t.Context(), place)
	require.ErrorContains(t, err, "locked by a living harness")
	require.Equal(t, 2, containersOf(t, engine, place), "store and holder")
	require.Equal(t, 1, volumesOf(t, engine, place), "of the store")

	require.NoError(t, harness.Process.Kill())
	_, err = harness.Process.Wait()
	require.NoError(t, err)
	done, err := docker.Heal(t.Context())
	require.NoError(t, err)
	require.Len(t, done, 1)
	require.Contains(t, done[0], "removed 2 containers, 1 networks and ")
	require.Zero(t, containersOf(t, engine, place))
	require.Zero(t, volumesOf(t, engine, place))
	require.NoFileExists(t, place)
	require.Equal(t, 1, containersOf(t, engine, alive.(drills.Placed).Place()), "the holder of one that lives")

	done, err = docker.Heal(t.Context(), place)
	require.NoError(t, err)
	require.Empty(t, done, "a second look finds nothing")
}

func volumesOf(t *testing.T, engine *client.Client, place string) int {
	t.Helper()
	found, err := engine.VolumeList(t.Context(), client.VolumeListOptions{
		Filters: make(client.Filters).Add("label", "io.drillrun.lock="+place),
	})
	require.NoError(t, err)
	return len(found.Items)
}

func containersOf(t *testing.T, engine *client.Client, place string) int {
	t.Helper()
	found, err := engine.ContainerList(t.Context(), client.ContainerListOptions{
		All: true, Filters: make(client.Filters).Add("label", "io.drillrun.lock="+place),
	})
	require.NoError(t, err)
	return len(found.Items)
}
