package docker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	networkapi "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker/image"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

const (
	patience = 20 * time.Second
	quiet    = 200 * time.Millisecond
	// Of the containers of a shop.
	controlPort = "8001"
	dataPort    = "7000"
)

// shop is a project as compose would have started it: two probers of the service
// app, which the engine starts again whenever they end, and one of the service db,
// which is on a second network, too.
type shop struct {
	engine *client.Client
	name   string
}

func newShop(t *testing.T) shop {
	t.Helper()
	s := shop{engine: images(t), name: fmt.Sprintf("shop%d", time.Now().UnixNano()%1e9)}
	spec, err := prober.Spec("", time.Second)
	require.NoError(t, err)
	packed, err := image.Pack(t.Context(), s.engine, spec.Command[0], "drillrun/docker-test")
	require.NoError(t, err)
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() {
		for _, tag := range []string{packed, "drillrun/docker-test:latest"} {
			_, err := s.engine.ImageRemove(ctx, tag, client.ImageRemoveOptions{Force: true})
			require.NoError(t, err)
		}
	})
	for _, network := range []string{s.name + "_default", s.name + "_back"} {
		_, err = s.engine.NetworkCreate(t.Context(), network, client.NetworkCreateOptions{Driver: "bridge"})
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := s.engine.NetworkRemove(ctx, network, client.NetworkRemoveOptions{})
			require.NoError(t, err)
		})
	}
	env := append(slices.Clone(spec.Env), prober.ControlPort+"=0.0.0.0:"+controlPort, prober.DataPort+"=0.0.0.0:"+dataPort)
	s.run(t, "db", 1, packed, env, containerapi.RestartPolicyDisabled)
	s.connect(t, "db_1")
	s.run(t, "app", 1, packed, env, containerapi.RestartPolicyAlways)
	s.run(t, "app", 2, packed, env, containerapi.RestartPolicyAlways)
	return s
}

func (s shop) run(t *testing.T, service string, number int, image string, env []string, restarts containerapi.RestartPolicyMode, command ...string) {
	t.Helper()
	made, err := s.engine.ContainerCreate(t.Context(), client.ContainerCreateOptions{
		Name: fmt.Sprintf("%s_%s_%d", s.name, service, number),
		Config: &containerapi.Config{Image: image, Env: env, Cmd: command, Labels: map[string]string{
			"com.docker.compose.project": s.name, "com.docker.compose.service": service,
			"com.docker.compose.container-number": fmt.Sprint(number), "com.docker.compose.oneoff": "False",
		}},
		HostConfig: &containerapi.HostConfig{NetworkMode: containerapi.NetworkMode(s.name + "_default"), RestartPolicy: containerapi.RestartPolicy{Name: restarts}},
		NetworkingConfig: &networkapi.NetworkingConfig{EndpointsConfig: map[string]*networkapi.EndpointSettings{
			s.name + "_default": {Aliases: []string{service}},
		}},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := s.engine.ContainerRemove(context.WithoutCancel(t.Context()), made.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		require.NoError(t, err)
	})
	_, err = s.engine.ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{})
	require.NoError(t, err)
}

// connect puts a container on the second network, on which the apps are not.
func (s shop) connect(t *testing.T, container string) {
	t.Helper()
	_, err := s.engine.NetworkConnect(t.Context(), s.name+"_back", client.NetworkConnectOptions{
		Container: s.name + "_" + container, EndpointConfig: &networkapi.EndpointSettings{Aliases: []string{"back"}},
	})
	require.NoError(t, err)
}

// wanted is the whole shop.
func (s shop) wanted() drills.Project {
	return drills.Project{Name: s.name, Service: "app", Replicas: 2, Stores: []string{"db"}, Witness: "outside:7070"}
}

func (s shop) inspect(t *testing.T, container string) containerapi.InspectResponse {
	t.Helper()
	found, err := s.engine.ContainerInspect(t.Context(), s.name+"_"+container, client.ContainerInspectOptions{})
	require.NoError(t, err)
	return found.Container
}

// peer takes orders in a container, past all links.
func (s shop) peer(t *testing.T, container string) prober.Client {
	t.Helper()
	p := prober.Client("")
	require.Eventually(t, func() bool {
		end := s.inspect(t, container).NetworkSettings.Networks[s.name+"_default"]
		if end == nil || !end.IPAddress.IsValid() {
			return false
		}
		p = prober.Client(end.IPAddress.String() + ":" + controlPort)
		_, err := p.Do(t.Context(), prober.Order{Verb: prober.About})
		return err == nil
	}, patience, 20*time.Millisecond, "%s takes orders", container)
	return p
}

func do(t *testing.T, p prober.Peer, o prober.Order) prober.Report {
	t.Helper()
	if o.Within == 0 {
		o.Within = patience
	}
	r, err := p.Do(t.Context(), o)
	require.NoError(t, err)
	return r
}

// dial connects and wants both ends to hear of each other.
func dial(t *testing.T, from prober.Peer, addr string, at prober.Peer) (near, far int) {
	t.Helper()
	dialled := do(t, from, prober.Order{Verb: prober.Dial, Addr: addr})
	require.Equal(t, prober.Fine, dialled.End, dialled.Detail)
	taken := do(t, at, prober.Order{Verb: prober.Accept})
	require.Equal(t, prober.Fine, taken.End, taken.Detail)
	do(t, from, prober.Order{Verb: prober.Send, Conn: dialled.Conn, Data: []byte("hello")})
	heard := do(t, at, prober.Order{Verb: prober.Receive, Conn: taken.Conn, Size: 5})
	require.Equal(t, "hello", string(heard.Data), heard.Detail)
	return dialled.Conn, taken.Conn
}

// adopted is a shop that is being drilled.
type adopted struct {
	db       drills.Process
	replicas []drills.Process
	links    []drills.Link // of each replica to the db
}

// adopt takes the shop in, as a system of it does. Its witness is a prober.
func (s shop) adopt(ctx context.Context, sub drills.Substrate, witness string) (a adopted, err error) {
	if err := sub.(drills.Adopter).Adopt(ctx, s.wanted()); err != nil {
		return a, err
	}
	a.db, err = sub.Launch(ctx, drills.ProcessSpec{
		Name: "db", Role: drills.RoleStore, Ports: []string{dataPort}, Adopted: drills.Adopted{Service: "db", Number: 1},
	})
	if err != nil {
		return a, err
	}
	for i := range 2 {
		name := fmt.Sprintf("replica-%d", i+1)
		for to, upstream := range map[string]string{"db": a.db.(drills.Ported).Addr(dataPort), "witness": witness} {
			l, err := sub.Link(ctx, drills.LinkSpec{From: name, To: to, Upstream: upstream})
			if err != nil {
				return a, err
			}
			if to == "db" {
				a.links = append(a.links, l)
			}
		}
		r, err := sub.Launch(ctx, drills.ProcessSpec{
			Name: name, Ports: []string{controlPort}, Adopted: drills.Adopted{Service: "app", Number: i + 1},
		})
		if err != nil {
			return a, err
		}
		a.replicas = append(a.replicas, r)
	}
	return a, nil
}

// outside is a prober of this process.
func outside(t *testing.T) *prober.Prober {
	t.Helper()
	p, err := prober.New(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// hurt does to the shop what a drill may leave half done.
func (a adopted) hurt(ctx context.Context) error {
	if err := a.links[0].Degrade(ctx, drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}); err != nil {
		return err
	}
	if err := a.replicas[0].(drills.Pauser).Pause(ctx); err != nil {
		return err
	}
	if err := a.replicas[1].Kill(ctx); err != nil {
		return err
	}
	if err := a.db.(drills.Limiter).Limit(ctx, drills.Limits{Memory: 1 << 30, CPU: 0.5}); err != nil {
		return err
	}
	return a.db.(drills.Detacher).Detach(ctx)
}

// requireAsBefore wants nothing to be left of a drill.
func (s shop) requireAsBefore(t *testing.T, place string) {
	t.Helper()
	require.Zero(t, containersOf(t, s.engine, place))
	for container, restarts := range map[string]containerapi.RestartPolicyMode{
		"app_1": containerapi.RestartPolicyAlways, "app_2": containerapi.RestartPolicyAlways, "db_1": containerapi.RestartPolicyDisabled,
	} {
		found := s.inspect(t, container)
		require.True(t, found.State.Running, container)
		require.False(t, found.State.Paused, container)
		require.Equal(t, restarts, found.HostConfig.RestartPolicy.Name, container)
		require.LessOrEqual(t, found.HostConfig.CPUQuota, int64(0), container)
		require.True(t, found.HostConfig.Memory == 0 || found.HostConfig.Memory > 1<<40, container)
		require.True(t, slices.Contains(found.NetworkSettings.Networks[s.name+"_default"].Aliases, strings.TrimRight(container, "_12")))
	}
	require.Contains(t, s.inspect(t, "db_1").NetworkSettings.Networks[s.name+"_back"].Aliases, "back")
	db := s.peer(t, "db_1")
	for _, app := range []string{"app_1", "app_2"} {
		p := s.peer(t, app)
		_, taken := dial(t, p, "db:"+dataPort, db)
		do(t, db, prober.Order{Verb: prober.HangUp, Conn: taken})
		require.NotEqual(t, prober.Fine, do(t, p, prober.Order{Verb: prober.Dial, Addr: "outside:7070"}).End, "nobody is the witness")
	}
}
