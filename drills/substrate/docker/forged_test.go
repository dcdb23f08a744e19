package docker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
)

// healMark makes the test binary heal, and say what it did.
const healMark = "DOCKER_TEST_HEALS"

func runHealer() {
	if os.Getenv(healMark) == "" {
		return
	}
	done, err := docker.Heal(context.Background())
	fmt.Println(strings.Join(done, "\n"), err)
	os.Exit(0)
}

// requireAlone wants healing to have left something alone, and nothing else to be
// wrong.
func requireAlone(t *testing.T, err error, why string) {
	t.Helper()
	var left *drills.LeftAlone
	require.ErrorAs(t, err, &left)
	require.ErrorContains(t, err, why)
}

// container creates one that does not run.
func container(t *testing.T, engine *client.Client, labels map[string]string) (id string) {
	t.Helper()
	made, err := engine.ContainerCreate(t.Context(), client.ContainerCreateOptions{Config: &containerapi.Config{
		Image: "drillrun/redis", Labels: labels, Entrypoint: []string{"sleep"}, Cmd: []string{"infinity"},
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := engine.ContainerRemove(context.WithoutCancel(t.Context()), made.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		require.NoError(t, err)
	})
	return made.ID
}

// Labels of an image are on all of its containers, and everybody can write some.
func TestHealObeysNoLabelThatOthersWrote(t *testing.T) {
	engine := images(t)
	victim := container(t, engine, nil)
	lock := filepath.Join(t.TempDir(), "drillrun-docker-AAAAAAAAAAAAAAAAAAAAAAAAAA.lock")
	require.NoError(t, os.WriteFile(lock, nil, 0o600))
	for _, project := range []string{
		fmt.Sprintf(`{"Project":"p","Containers":[{"ID":%q,"Name":"victim","Homes":[],"Restarts":{"Name":"always"}}]}`, victim),
		"garbage",
	} {
		labels := map[string]string{"io.drillrun.lock": lock, "io.drillrun.project": project, "io.drillrun.seal": "forged"}
		forged := container(t, engine, labels)
		_, err := docker.Heal(t.Context())
		requireAlone(t, err, "this user's drillrun on this machine has not made")
		_, err = docker.Heal(t.Context(), lock)
		requireAlone(t, err, "has not made")
		found, err := engine.ContainerInspect(t.Context(), victim, client.ContainerInspectOptions{})
		require.NoError(t, err)
		require.False(t, found.Container.State.Running)
		require.NotEqual(t, containerapi.RestartPolicyAlways, found.Container.HostConfig.RestartPolicy.Name)
		_, err = engine.ContainerInspect(t.Context(), forged, client.ContainerInspectOptions{})
		require.NoError(t, err)
	}
}

func TestAPlaceThatIsNoLockFileStays(t *testing.T) {
	images(t)
	dir := t.TempDir()
	const name = "drillrun-docker-AAAAAAAAAAAAAAAAAAAAAAAAAA.lock"
	full, linked, open := filepath.Join(dir, "full", name), filepath.Join(dir, "linked", name), filepath.Join(dir, "open", name)
	other, through := filepath.Join(dir, "id_ed25519"), filepath.Join(dir, "through", name)
	for _, file := range []string{full, linked, open} {
		require.NoError(t, os.Mkdir(filepath.Dir(file), 0o700))
	}
	require.NoError(t, os.WriteFile(full, []byte("precious"), 0o600))
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	require.NoError(t, os.WriteFile(open, nil, 0o600))
	require.NoError(t, os.Chmod(open, 0o666))
	require.NoError(t, os.Symlink(other, linked))
	require.NoError(t, os.Symlink(filepath.Dir(full), filepath.Dir(through)))
	for _, place := range []string{full, linked, open, other, through, dir + "/full/../full/" + name, "relative/" + name} {
		_, err := docker.Heal(t.Context(), place)
		requireAlone(t, err, "left alone: ")
	}
	for _, file := range []string{full, linked, open, other} {
		_, err := os.Lstat(file)
		require.NoError(t, err, "%s is gone", file)
	}
	text, err := os.ReadFile(full)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
}

// TestHealLeavesAHarnessThatItDoesNotSee heals where the lock file of one that lives
// is not to be seen, as in a service with a /tmp of its own.
func TestHealLeavesAHarnessThatItDoesNotSee(t *testing.T) {
	engine := images(t)
	dir := t.TempDir()
	place, kill := harness(t, "TMPDIR="+dir)
	require.NoError(t, os.Rename(dir, dir+"-elsewhere"))
	defer func() { require.NoError(t, os.RemoveAll(dir+"-elsewhere")) }()
	_, err := docker.Heal(t.Context())
	requireHealed(t, err)
	_, err = docker.Heal(t.Context(), place)
	require.ErrorContains(t, err, "locked by a living harness")

	// In another container its process is not to be seen either.
	healer := exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "/proc/self/exe")
	program, err := os.Executable()
	require.NoError(t, err)
	healer.Args[len(healer.Args)-1] = program
	healer.Env = append(os.Environ(), healMark+"=1")
	said, err := healer.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "they were made in another container")
	require.Equal(t, 2, containersOf(t, engine, place), "store and holder")

	kill()
	done, err := docker.Heal(t.Context())
	requireHealed(t, err)
	require.Contains(t, strings.Join(done, "\n"), "removed 2 containers")
	require.Zero(t, containersOf(t, engine, place))
}

func TestTwoMayHealAtOnce(t *testing.T) {
	engine := images(t)
	place, kill := harness(t)
	kill()
	var healers sync.WaitGroup
	var errs [3]error
	for i := range errs {
		healers.Go(func() { _, errs[i] = docker.Heal(t.Context(), place) })
	}
	healers.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Zero(t, containersOf(t, engine, place))
	require.NoFileExists(t, place)
}

// TestAnEngineThatDoesNotAnswerIsGivenUp asks one that takes connections, and no more.
func TestAnEngineThatDoesNotAnswerIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var silent sync.WaitGroup
	silent.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			silent.Go(func() {
				_, _ = io.Copy(io.Discard, conn) // until it is hung up, however
				_ = conn.Close()
			})
		}
	})
	defer silent.Wait()
	defer func() { require.NoError(t, l.Close()) }()
	t.Setenv("DOCKER_HOST", "tcp://"+l.Addr().String())
	begin := time.Now()
	_, err = docker.Heal(t.Context())
	requireAlone(t, err, "it does not answer")
	found := docker.Check(t.Context(), docker.Config{})[0]
	require.ErrorContains(t, found.Err, "it does not answer; look at what listens there")
	require.Less(t, time.Since(begin), 20*time.Second)

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = docker.Open(ctx, docker.Config{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var missing *drills.EnvironmentError
	require.NotErrorAs(t, err, &missing, "who asked has given up, and nothing is missing")
}
