package local_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/local"
)

func TestADrillStartsQuickly(t *testing.T) {
	p := openProvider(t, local.Config{})
	for _, which := range []string{"first (with initdb)", "second", "third"} {
		begin := time.Now()
		s := newSubstrate(t, p)
		var all sync.WaitGroup
		var pg, redis drills.Store
		var errs [2]error
		all.Go(func() { pg, errs[0] = s.Store(t.Context(), "postgres", drills.RolePostgres) })
		all.Go(func() { redis, errs[1] = s.Store(t.Context(), "redis", drills.RoleRedis) })
		all.Wait()
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		stores := time.Since(begin)
		var replicas []drills.Process
		for i := range 3 {
			name := fmt.Sprintf("replica-%d", i+1)
			r, err := s.Launch(t.Context(), replicaSpec(name))
			require.NoError(t, err)
			replicas = append(replicas, r)
			for _, to := range []string{pg.Addr(), redis.Addr(), "127.0.0.1:1", r.(drills.Ported).Addr("API_ADDR")} {
				_, err := s.Link(t.Context(), drills.LinkSpec{From: name, To: "any", Upstream: to})
				require.NoError(t, err)
			}
		}
		for _, r := range replicas {
			awaitAnswer(t, r.(drills.Ported).Addr("API_ADDR"))
		}
		up := time.Since(begin)
		begin = time.Now()
		require.NoError(t, s.Close(t.Context()))
		t.Logf("%s drill: stores up after %v, with 12 links and 3 replicas after %v, closed in %v", which,
			stores.Round(time.Millisecond), up.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond))
	}
}

func TestReplica(t *testing.T) {
	s := newSubstrate(t, openProvider(t, local.Config{}))
	p, err := s.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	addr := p.(drills.Ported).Addr("API_ADDR")
	require.NotEqual(t, addr, p.(drills.Ported).Addr("ADMIN_ADDR"))
	require.Empty(t, p.(drills.Ported).Addr("NO_SUCH_ADDR"))
	env := strings.Split(awaitAnswer(t, addr), "\n")
	names := make([]string, len(env))
	for i, e := range env {
		names[i], _, _ = strings.Cut(e, "=")
	}
	require.ElementsMatch(t, []string{"PATH", "HOME", "TMPDIR", "TZ", "API_ADDR", "ADMIN_ADDR", modeEnv}, names)
	require.Contains(t, env, "API_ADDR="+addr)

	require.NoError(t, p.Kill(t.Context()))
	requireNobodyListens(t, addr)
	require.NoError(t, p.Start(t.Context()))
	awaitAnswer(t, addr)

	require.NoError(t, p.(drills.Pauser).Pause(t.Context()))
	_, err = ask(addr)
	require.Error(t, err, "a paused replica answers")
	require.NoError(t, p.(drills.Pauser).Resume(t.Context()))
	awaitAnswer(t, addr)

	exit, err := p.(drills.Terminator).Terminate(t.Context())
	require.NoError(t, err)
	require.Equal(t, "terminated", exit.Signal)
	require.NoError(t, p.Start(t.Context()))
	awaitAnswer(t, addr)

	logs, err := p.Logs(t.Context())
	require.NoError(t, err)
	text, err := io.ReadAll(logs)
	require.NoError(t, err)
	require.NoError(t, logs.Close())
	require.Equal(t, 3, strings.Count(string(text), "replica starts"))
}

func TestALinkLeadsToAReplicaAcrossItsRestarts(t *testing.T) {
	s := newSubstrate(t, openProvider(t, local.Config{}))
	p, err := s.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	l, err := s.Link(t.Context(), drills.LinkSpec{From: "clients", To: "replica-1", Upstream: p.(drills.Ported).Addr("API_ADDR")})
	require.NoError(t, err)
	awaitAnswer(t, l.Addr())
	require.NoError(t, p.Kill(t.Context()))
	_, err = ask(l.Addr())
	require.Error(t, err)
	require.NoError(t, p.Start(t.Context()))
	awaitAnswer(t, l.Addr())
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}))
	_, err = ask(l.Addr())
	require.Error(t, err)
	require.NoError(t, l.Heal(t.Context()))
	awaitAnswer(t, l.Addr())
}

func TestSubstratesDoNotShareAddresses(t *testing.T) {
	p := openProvider(t, local.Config{})
	hosts := map[string]bool{}
	for range 5 {
		r, err := newSubstrate(t, p).Launch(t.Context(), replicaSpec("replica-1"))
		require.NoError(t, err)
		host, _, _ := strings.Cut(r.(drills.Ported).Addr("API_ADDR"), ":")
		hosts[host] = true
	}
	require.Len(t, hosts, 5)
	require.NotContains(t, hosts, "127.0.0.1")
}

func TestDrillsRunSideBySide(t *testing.T) {
	p := openProvider(t, local.Config{})
	var all sync.WaitGroup
	for range 3 {
		s := newSubstrate(t, p)
		for _, role := range []drills.Role{drills.RolePostgres, drills.RoleRedis} {
			all.Go(func() {
				store, err := s.Store(context.Background(), string(role), role)
				if err == nil {
					err = errors.Join(store.Kill(context.Background()), store.Start(context.Background()))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

func TestCloseEndsPausedAndDeadProcesses(t *testing.T) {
	p := openProvider(t, local.Config{})
	logs := t.TempDir()
	s, err := p.New(t.Context(), local.Options{Logs: logs})
	require.NoError(t, err)
	lives := map[int]string{}
	for _, role := range []drills.Role{drills.RolePostgres, drills.RoleRedis} {
		for _, state := range []string{"running", "paused", "dead"} {
			store, err := s.Store(t.Context(), string(role)+"-"+state, role)
			require.NoError(t, err)
			for pid, life := range livesUnder(t, store.Info().PID) {
				lives[pid] = life
			}
			switch state {
			case "paused":
				require.NoError(t, store.(drills.Pauser).Pause(t.Context()))
			case "dead":
				require.NoError(t, store.Kill(t.Context()))
			}
		}
	}
	r, err := s.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	lives[r.Info().PID] = life(t, r.Info().PID)
	require.NoError(t, r.(drills.Pauser).Pause(t.Context()))

	begin := time.Now()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Close(cancelled), "an interrupted drill must be cleaned up as well")
	t.Logf("closed in %v", time.Since(begin).Round(time.Millisecond))
	require.NoError(t, s.Close(t.Context()), "twice")
	require.Empty(t, survivors(t, lives))

	files, err := filepath.Glob(filepath.Join(logs, "*.log"))
	require.NoError(t, err)
	require.Len(t, files, 7, "logs outlive the substrate")
	for _, file := range files {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	_, err = s.Store(t.Context(), "late", drills.RoleRedis)
	require.ErrorIs(t, err, local.ErrClosed)
	_, err = s.Launch(t.Context(), replicaSpec("late"))
	require.ErrorIs(t, err, local.ErrClosed)
	_, err = s.Link(t.Context(), drills.LinkSpec{})
	require.ErrorIs(t, err, local.ErrClosed)
}

func TestCloseInterruptsAStartThatIsUnderWay(t *testing.T) {
	p := openProvider(t, local.Config{})
	s := newSubstrate(t, p)
	started := make(chan error, 1)
	go func() {
		_, err := s.Store(context.Background(), "postgres", drills.RolePostgres)
		started <- err
	}()
	time.AfterFunc(50*time.Millisecond, func() { started <- s.Close(context.Background()) })
	first, second := <-started, <-started
	if first == nil { // Close may report before the start does
		first, second = second, first
	}
	require.NoError(t, second)
	require.Error(t, first)
	require.NoError(t, p.Close())
	_, err := p.New(t.Context(), local.Options{})
	require.ErrorIs(t, err, local.ErrClosed)
}

func TestNamesThatWillNotDo(t *testing.T) {
	s := newSubstrate(t, openProvider(t, local.Config{}))
	_, err := s.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	_, err = s.Launch(t.Context(), replicaSpec("replica-1"))
	require.ErrorContains(t, err, "taken")
	for _, name := range []string{"../x", "a/b", ".hidden", strings.Repeat("x", 64)} {
		_, err = s.Store(t.Context(), name, drills.RoleRedis)
		require.ErrorContains(t, err, "name", name)
	}
	_, err = s.Store(t.Context(), "mysql", "mysql")
	require.ErrorIs(t, err, drills.ErrUnsupported)
}
