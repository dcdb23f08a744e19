package local_test

import (
	"context"
	"errors"
	"fmt"
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

func TestLogsOutliveTheSubstrate(t *testing.T) {
	logs := t.TempDir()
	s, err := openProvider(t, local.Config{}).New(t.Context(), local.Options{Logs: logs})
	require.NoError(t, err)
	_, err = s.Store(t.Context(), "redis", drills.RoleRedis)
	require.NoError(t, err)
	_, err = s.Launch(t.Context(), replicaSpec("replica-1"))
	require.NoError(t, err)
	require.NoError(t, s.Close(t.Context()))
	for _, name := range []string{"redis", "replica-1"} {
		info, err := os.Stat(filepath.Join(logs, name+".log"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
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
	require.ErrorIs(t, err, drills.ErrClosed)
}
