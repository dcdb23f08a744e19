package docker_test

import (
	"bufio"
	"context"
	"errors"
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
	if err := begin(ctx, s); err != nil {
		panic(err)
	}
	fmt.Println(s.(drills.Placed).Place())
	select {}
}

// adoptMark names a shop, for a harness that adopts it in place of starting a store.
const adoptMark = "DOCKER_TEST_ADOPTS"

func begin(ctx context.Context, s drills.Substrate) error {
	name := os.Getenv(adoptMark)
	if name == "" {
		_, err := s.Store(ctx, "redis", drills.RoleRedis)
		return err
	}
	a, err := shop{name: name}.adopt(ctx, s, "127.0.0.1:1")
	if err != nil {
		return err
	}
	return a.hurt(ctx)
}

// harness starts one that waits to be killed, and says where it is.
func harness(t *testing.T, env ...string) (place string, kill func()) {
	t.Helper()
	h := exec.Command("/proc/self/exe")
	h.Env = append(append(os.Environ(), harnessMark+"="+t.TempDir()), env...)
	h.Stderr = os.Stderr
	out, err := h.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, h.Start())
	place, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(place), func() {
		t.Helper()
		require.NoError(t, h.Process.Kill())
		_, err := h.Process.Wait()
		require.NoError(t, err)
	}
}

func TestHealRemovesWhatADeadHarnessLeftAndNothingElse(t *testing.T) {
	engine := images(t)
	alive := newSubstrate(t, open(t))
	defer func() { require.NoError(t, alive.Close(t.Context())) }()

	place, kill := harness(t)
	_, err := docker.Heal(t.Context(), place)
	require.ErrorContains(t, err, "locked by a living harness")
	require.Equal(t, 2, containersOf(t, engine, place), "store and holder")
	require.Equal(t, 1, volumesOf(t, engine, place), "of the store")

	kill()
	done, err := docker.Heal(t.Context())
	requireHealed(t, err)
	require.Contains(t, strings.Join(done, "\n"), "removed 2 containers, 1 networks and ")
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

// requireHealed wants nothing to be wrong but what others may have on this engine.
func requireHealed(t *testing.T, err error) {
	t.Helper()
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			requireHealed(t, e)
		}
		return
	}
	if _, alone := errors.AsType[*drills.LeftAlone](err); !alone {
		require.NoError(t, err)
	}
}
