package image_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
)

const (
	// saying makes the test binary a program that says something, and ends.
	saying = "IMAGE_TEST_SAYING"
	// ready is how long a container may take to do what it is for.
	ready = time.Minute
	knock = 50 * time.Millisecond
)

func TestMain(m *testing.M) {
	if what := os.Getenv(saying); what != "" {
		fmt.Printf("%s, as %d in %s\n", what, os.Getuid(), os.TempDir())
		return
	}
	goleak.VerifyTestMain(m)
}

func label(t *testing.T) image.Label { return image.Label{Name: enginetest.Label, Value: t.Name()} }

// repository is one of this test alone. Its images go when the test does.
func repository(t *testing.T, c *client.Client) string {
	name := "drillrun-test/" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		found, err := c.ImageList(ctx, client.ImageListOptions{
			Filters: make(client.Filters).Add("label", image.RepositoryLabel+"="+name),
		})
		require.NoError(t, err)
		for _, i := range found.Items {
			_, err := c.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true, PruneChildren: true})
			require.NoError(t, err)
		}
	})
	return name
}

// box is a container of a test.
type box struct {
	t  *testing.T
	c  *client.Client
	id string
}

// newBox creates a container whose ports are published on the loopback address.
func newBox(t *testing.T, c *client.Client, config container.Config) *box {
	t.Helper()
	config.Labels = map[string]string{enginetest.Label: t.Name()}
	ports := network.PortMap{}
	for port := range config.ExposedPorts {
		ports[port] = []network.PortBinding{{HostIP: netip.MustParseAddr("127.0.0.1")}}
	}
	made, err := c.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Config: &config, HostConfig: &container.HostConfig{PortBindings: ports},
	})
	require.NoError(t, err)
	b := &box{t, c, made.ID}
	t.Cleanup(b.remove)
	return b
}

func (b *box) remove() {
	_, err := b.c.ContainerRemove(context.WithoutCancel(b.t.Context()), b.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	require.NoError(b.t, err)
}

func (b *box) start() {
	b.t.Helper()
	_, err := b.c.ContainerStart(b.t.Context(), b.id, client.ContainerStartOptions{})
	require.NoError(b.t, err)
}

// kill kills the container, and returns when it has ended.
func (b *box) kill() {
	b.t.Helper()
	_, err := b.c.ContainerKill(b.t.Context(), b.id, client.ContainerKillOptions{Signal: "SIGKILL"})
	require.NoError(b.t, err)
	b.wait()
}

// wait waits until the container has ended, and returns its exit code.
func (b *box) wait() int64 {
	b.t.Helper()
	result := b.c.ContainerWait(b.t.Context(), b.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case ended := <-result.Result:
		return ended.StatusCode
	case err := <-result.Error:
		require.NoError(b.t, err)
	case <-time.After(ready):
		require.Fail(b.t, "the container does not end", b.logs())
	}
	return -1
}

// addr is where a port is published. It changes with every start.
func (b *box) addr(port string) string {
	b.t.Helper()
	found, err := b.c.ContainerInspect(b.t.Context(), b.id, client.ContainerInspectOptions{})
	require.NoError(b.t, err)
	bound := found.Container.NetworkSettings.Ports[network.MustParsePort(port)]
	require.NotEmpty(b.t, bound, b.logs())
	return bound[0].HostIP.String() + ":" + bound[0].HostPort
}

// logs are both streams of the container.
func (b *box) logs() string {
	b.t.Helper()
	r, err := b.c.ContainerLogs(b.t.Context(), b.id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(b.t, err)
	defer func() { require.NoError(b.t, r.Close()) }()
	var out bytes.Buffer
	_, err = stdcopy.StdCopy(&out, &out, r)
	require.NoError(b.t, err)
	return out.String()
}

// put puts a file into the container.
func (b *box) put(name, content string) {
	b.t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	require.NoError(b.t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
	_, err := io.WriteString(w, content)
	require.NoError(b.t, err)
	require.NoError(b.t, w.Close())
	_, err = b.c.CopyToContainer(b.t.Context(), b.id, client.CopyToContainerOptions{DestinationPath: "/", Content: &archive})
	require.NoError(b.t, err)
}
