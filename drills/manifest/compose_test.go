package manifest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	networkapi "github.com/moby/moby/api/types/network"
	engineapi "github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
)

// greetedProject is the greeted system as a project that runs already.
const greetedProject = `name: greeted
compose:
  project: PROJECT
  replicas: app
  stores: {greeter: {role: store, ports: {tcp: 7777}}}
  ports: {http: 8080}
  witness: outside:7070
  ready: {path: /, within: 10s}
submit: {path: "/${key}"}
guarantees: {leader: false, effects: at-least-once}
settle: 1s
`

// startProject starts it as compose would have.
func startProject(t *testing.T, image string) (project string) {
	t.Helper()
	engine := enginetest.Engine(t)
	project = fmt.Sprintf("greeted%d", time.Now().UnixNano()%1e9)
	ctx := context.WithoutCancel(t.Context())
	_, err := engine.NetworkCreate(t.Context(), project, engineapi.NetworkCreateOptions{})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := engine.NetworkRemove(ctx, project, engineapi.NetworkRemoveOptions{})
		require.NoError(t, err)
	})
	run := func(service string, number int, env ...string) {
		made, err := engine.ContainerCreate(t.Context(), engineapi.ContainerCreateOptions{
			Name: fmt.Sprintf("%s_%s_%d", project, service, number),
			Config: &containerapi.Config{Image: image, Env: env, Labels: map[string]string{
				"com.docker.compose.project": project, "com.docker.compose.service": service,
				"com.docker.compose.container-number": fmt.Sprint(number), "com.docker.compose.oneoff": "False",
			}},
			HostConfig: &containerapi.HostConfig{NetworkMode: containerapi.NetworkMode(project)},
			NetworkingConfig: &networkapi.NetworkingConfig{EndpointsConfig: map[string]*networkapi.EndpointSettings{
				project: {Aliases: []string{service}},
			}},
		})
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := engine.ContainerRemove(ctx, made.ID, engineapi.ContainerRemoveOptions{Force: true})
			require.NoError(t, err)
		})
		_, err = engine.ContainerStart(t.Context(), made.ID, engineapi.ContainerStartOptions{})
		require.NoError(t, err)
	}
	run("greeter", 1, partVariable+"=greeter", "GREETER=0.0.0.0:7777")
	for number := range 2 {
		run("app", number+1, partVariable+"=replica", "STORE=greeter:7777", "LISTEN=0.0.0.0:8080")
	}
	return project
}

func TestAProjectThatRunsAlreadyIsDrilledLikeAnyOther(t *testing.T) {
	env, image := contained(t)
	witness := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Header.Get("Authorization"))
	}))
	defer witness.Close()
	env.Witness = strings.TrimPrefix(witness.URL, "http://")
	env.Token = func(name string) string { return "token of " + name }
	source := strings.Replace(greetedProject, "PROJECT", startProject(t, image), 1)
	c, err := parse(t, source).Start(t.Context(), env, 2)
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close(context.WithoutCancel(t.Context()))) }()
	require.True(t, c.(drills.Lasting).Lasts())

	client, err := c.Open(t.Context(), "replica-2")
	require.NoError(t, err)
	defer func() { require.NoError(t, client.Close()) }()
	answer, err := client.Do(t.Context(), job)
	require.NoError(t, err)
	require.Equal(t, "pid 1", string(answer))
	link := linkBetween(t, c, "replica-2", "greeter")
	require.NoError(t, link.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
	_, err = client.Do(t.Context(), job)
	require.Error(t, err, "its own link refuses")
	require.NoError(t, link.Heal(t.Context()))

	replica, err := c.(*cluster).replica("replica-2")
	require.NoError(t, err)
	hostname := replica.process.(drills.Aliased).Aliases()[0]
	same, err := c.(*cluster).replica(hostname)
	require.NoError(t, err)
	require.Same(t, replica, same, "it may call itself by its host")

	to := linkBetween(t, c, "replica-2", "witness").Addr()
	_, port, err := net.SplitHostPort(to)
	require.NoError(t, err)
	require.NotEqual(t, "7070", port)
	resp, err := http.Get("http://" + to)
	require.NoError(t, err)
	said := make([]byte, 100)
	n, _ := resp.Body.Read(said)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "Bearer token of replica-2", string(said[:n]))
}

func TestAProjectNeedsContainers(t *testing.T) {
	_, err := parse(t, greetedProject).Start(t.Context(), environment(t), 2)
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, "compose project PROJECT: ")
	require.ErrorContains(t, err, "projects are drilled with --substrate docker")
}
