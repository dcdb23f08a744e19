package docker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	containerapi "github.com/moby/moby/api/types/container"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

func TestAProjectIsCutOffWithoutItsKnowing(t *testing.T) {
	s := newShop(t)
	witness := outside(t)
	app, other, db := s.peer(t, "app_1"), s.peer(t, "app_2"), s.peer(t, "db_1")
	early, far := dial(t, app, "db:"+dataPort, db)
	sub := newSubstrate(t, open(t))
	place := sub.(drills.Placed).Place()
	a, err := s.adopt(t.Context(), sub, witness.Addr())
	require.NoError(t, err)
	require.Equal(t, s.inspect(t, "app_2").State.Pid, a.replicas[1].Info().PID)
	require.Contains(t, a.replicas[0].(drills.Aliased).Aliases(), s.inspect(t, "app_1").Config.Hostname)

	// A connection that was there before goes on beside no link, and nobody keeps
	// it for one that has left.
	require.Equal(t, prober.Closed, do(t, app, prober.Order{Verb: prober.Receive, Conn: early, Size: 1}).End)
	require.Equal(t, prober.Closed, do(t, db, prober.Order{Verb: prober.Receive, Conn: far, Size: 1}).End)
	dial(t, app, "outside:7070", witness)
	dial(t, other, "outside:7070", witness)

	cut := func() {
		t.Helper()
		near, far := dial(t, app, "db:"+dataPort, db)
		free, freed := dial(t, other, "db:"+dataPort, db)
		require.NoError(t, a.links[0].Degrade(t.Context(), drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}))
		do(t, app, prober.Order{Verb: prober.Send, Conn: near, Data: []byte("?")})
		require.Equal(t, prober.Silent, do(t, db, prober.Order{Verb: prober.Receive, Conn: far, Size: 1, Within: quiet}).End)
		do(t, other, prober.Order{Verb: prober.Send, Conn: free, Data: []byte("?")})
		require.Equal(t, prober.Fine, do(t, db, prober.Order{Verb: prober.Receive, Conn: freed, Size: 1}).End, "every replica has a link of its own")
		require.NoError(t, a.links[0].Heal(t.Context()))
		require.Equal(t, prober.Closed, do(t, app, prober.Order{Verb: prober.Receive, Conn: near, Size: 1}).End)
	}
	cut()

	// Whoever is started again has a namespace, and perhaps an address, of its own.
	kept, keeps := dial(t, other, "db:"+dataPort, db)
	require.NoError(t, a.replicas[0].Kill(t.Context()))
	require.Zero(t, a.replicas[0].Info().PID)
	require.NoError(t, a.replicas[0].Start(t.Context()))
	do(t, other, prober.Order{Verb: prober.Send, Conn: kept, Data: []byte("?")})
	require.Equal(t, prober.Fine, do(t, db, prober.Order{Verb: prober.Receive, Conn: keeps, Size: 1}).End, "others know nothing of it")
	require.NoError(t, a.db.Kill(t.Context()))
	require.NoError(t, a.db.Start(t.Context()))
	app, db = s.peer(t, "app_1"), s.peer(t, "db_1")
	cut()
	before := s.inspect(t, "db_1").NetworkSettings.Networks[s.name+"_default"].IPAddress
	require.NoError(t, a.db.(drills.Detacher).Detach(t.Context()))
	s.run(t, "late", 1, s.inspect(t, "db_1").Config.Image, s.inspect(t, "db_1").Config.Env, containerapi.RestartPolicyDisabled)
	require.NoError(t, a.db.(drills.Detacher).Attach(t.Context()))
	db = s.peer(t, "db_1")
	require.NotEqual(t, before, s.inspect(t, "db_1").NetworkSettings.Networks[s.name+"_default"].IPAddress, "somebody else has its address")
	cut()

	_, err = other.Do(t.Context(), prober.Order{Verb: prober.Exit, Size: 5})
	require.Error(t, err)
	require.Eventually(t, func() bool { return a.replicas[1].Info().PID == 0 }, patience, 10*time.Millisecond)
	require.Never(t, func() bool { return s.inspect(t, "app_2").State.Running }, 500*time.Millisecond, 20*time.Millisecond, "the engine starts it again")
	require.NoError(t, a.replicas[1].Start(t.Context()))
	s.peer(t, "app_2")

	exit, err := a.replicas[1].(drills.Terminator).Terminate(t.Context())
	require.NoError(t, err)
	require.Equal(t, prober.ExitTerminated, exit.Code)
	near, _ := dial(t, app, "db:"+dataPort, db)
	require.NoError(t, sub.Close(t.Context()))
	require.Equal(t, prober.Closed, do(t, app, prober.Order{Verb: prober.Receive, Conn: near, Size: 1}).End, "it can connect anew at once")
	s.requireAsBefore(t, place)
}

// Whoever may log in is the project's to say, and that a store takes connections is
// seen without.
func TestAStoreOfAProjectTakesConnectionsOnceItIsStarted(t *testing.T) {
	s := newShop(t)
	s.run(t, "sql", 1, "drillrun/postgres", []string{"POSTGRES_PASSWORD=secret", "POSTGRES_USER=shop"}, containerapi.RestartPolicyDisabled)
	s.run(t, "cache", 1, "drillrun/redis", nil, containerapi.RestartPolicyDisabled, "redis-server", "--requirepass", "secret")
	wanted := s.wanted()
	wanted.Stores = []string{"sql", "cache"}
	sub := newSubstrate(t, open(t))
	defer func() { require.NoError(t, sub.Close(context.WithoutCancel(t.Context()))) }()
	require.NoError(t, sub.(drills.Adopter).Adopt(t.Context(), wanted))
	for _, c := range []struct {
		service, port string
		role          drills.Role
		url           string
		statement     []string
	}{
		{"sql", "5432", drills.RolePostgres, "postgres://shop:secret@sql:5432/shop?sslmode=disable", []string{"SELECT 'PONG'"}},
		{"cache", "6379", drills.RoleRedis, "redis://:secret@cache:6379/0", []string{"PING"}},
	} {
		for _, url := range []string{"", c.url} {
			p, err := sub.Launch(t.Context(), drills.ProcessSpec{
				Name: fmt.Sprintf("%s-%d", c.service, len(url)), Role: c.role, Ports: []string{c.port},
				Adopted: drills.Adopted{Service: c.service, Number: 1, URL: url},
			})
			require.NoError(t, err)
			require.NoError(t, p.Kill(t.Context()))
			require.NoError(t, p.Start(t.Context()))
			store, can := p.(drills.Store)
			require.Equal(t, url != "", can, "one logs in where the project says how")
			if !can {
				continue
			}
			r := do(t, outside(t), prober.Order{Verb: prober.Ask, Addr: store.URL(store.Addr()), Statement: c.statement})
			require.Equal(t, "PONG", r.Answer, r.Detail)
		}
	}
}

func TestCloseLeavesAProjectAsItWas(t *testing.T) {
	s := newShop(t)
	sub := newSubstrate(t, open(t))
	place := sub.(drills.Placed).Place()
	a, err := s.adopt(t.Context(), sub, outside(t).Addr())
	require.NoError(t, err)
	require.NoError(t, a.hurt(t.Context()))
	require.NoError(t, sub.Close(t.Context()))
	s.requireAsBefore(t, place)
	require.ErrorIs(t, a.replicas[0].Kill(t.Context()), drills.ErrNotRunning, "it is nobody's any more")

	again := newSubstrate(t, open(t))
	a, err = s.adopt(t.Context(), again, outside(t).Addr())
	require.NoError(t, err)
	require.NoError(t, a.hurt(t.Context()), "what had been limited can be again")
	require.NoError(t, again.Close(t.Context()))
	s.requireAsBefore(t, again.(drills.Placed).Place())
}

func TestHealLeavesTheProjectOfADeadHarnessAsItWas(t *testing.T) {
	s := newShop(t)
	place, kill := harness(t, adoptMark+"="+s.name)
	require.True(t, s.inspect(t, "app_1").State.Paused)
	require.False(t, s.inspect(t, "app_2").State.Running)
	kill()
	done, err := docker.Heal(t.Context(), place)
	require.NoError(t, err)
	text := strings.Join(done, "\n")
	for _, want := range []string{"_app_1: resumed", "_app_2: started", "_db_1: attached, freed of limits", "removed 2 containers"} {
		require.Contains(t, text, want)
	}
	s.requireAsBefore(t, place)
}

func TestAProjectThatCannotBeDrilledIsLeftAlone(t *testing.T) {
	s := newShop(t)
	p := open(t)
	first := newSubstrate(t, p)
	_, err := s.adopt(t.Context(), first, outside(t).Addr())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(*drills.Project)
		want   string
	}{
		"another drills it":      {func(*drills.Project) {}, "a project that nobody else drills"},
		"it is not there":        {func(p *drills.Project) { p.Name = "none" }, "2 running containers of the service app in the project none: there are 0, of which 0 run; `docker-compose -p none up -d --scale app=2`"},
		"it has fewer replicas":  {func(p *drills.Project) { p.Replicas = 3 }, "3 running containers of the service app in the project " + s.name + ": there are 2, of which 2 run"},
		"it has more":            {func(p *drills.Project) { p.Replicas = 1 }, "1 running containers of the service app"},
		"it has no such service": {func(p *drills.Project) { p.Stores = []string{"cache"} }, "1 running containers of the service cache"},
	} {
		wanted := s.wanted()
		c.change(&wanted)
		sub := newSubstrate(t, p)
		err := sub.(drills.Adopter).Adopt(t.Context(), wanted)
		require.ErrorContains(t, err, c.want, name)
		var lacking *drills.EnvironmentError
		require.ErrorAs(t, err, &lacking, name)
		require.NoError(t, sub.Close(t.Context()), name)
	}
	require.Equal(t, containerapi.RestartPolicyDisabled, s.inspect(t, "app_1").HostConfig.RestartPolicy.Name, "the first goes on")
	require.NoError(t, first.Close(t.Context()))
	s.requireAsBefore(t, first.(drills.Placed).Place())

	s.connect(t, "app_1")
	sub := newSubstrate(t, p)
	err = sub.(drills.Adopter).Adopt(t.Context(), s.wanted())
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, s.name+"_app_1 and "+s.name+"_db_1 share 2 networks")
	require.NoError(t, sub.Close(t.Context()))

	s.run(t, "worker", 1, s.inspect(t, "app_1").Config.Image, append(s.inspect(t, "app_1").Config.Env, "WITNESS_URL=http://outside:7070/"), containerapi.RestartPolicyDisabled)
	sub = newSubstrate(t, p)
	err = sub.(drills.Adopter).Adopt(t.Context(), s.wanted())
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, "the service worker reports to the witness, too (its WITNESS_URL has outside:7070), and only those of app can")
	require.NoError(t, sub.Close(t.Context()))
}
