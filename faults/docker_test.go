package faults_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/docker"
	"github.com/drillrun/drillrun/drills/substrate/docker/enginetest"
	"github.com/drillrun/drillrun/faults"
)

// busy is a victim that does what faults of containers are proved by: it answers
// at API_ADDR, connects to DEPENDENCY again and again, uses a core, and holds
// ever more memory, up to a bound.
func busy() {
	go func() {
		for range time.Tick(20 * time.Millisecond) {
			if conn, err := net.DialTimeout("tcp", os.Getenv("DEPENDENCY"), 200*time.Millisecond); err == nil {
				_ = conn.Close() // what is not sent is not missed
			}
		}
	}()
	go func() {
		var held [][]byte
		for range time.Tick(10 * time.Millisecond) {
			for began := time.Now(); time.Since(began) < 4*time.Millisecond; {
			}
			if len(held) < 1<<12 {
				page := make([]byte, 16<<10)
				for i := range page {
					page[i] = 1
				}
				held = append(held, page)
			}
		}
	}()
	listener, err := net.Listen("tcp", os.Getenv("API_ADDR"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	fmt.Println(http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	os.Exit(1)
}

// contain is a busy replica with a direct link to a Redis, in containers.
func contain(t *testing.T) (target *victims, replica drills.Process) {
	t.Helper()
	enginetest.Engine(t)
	provider, err := docker.Open(t.Context(), docker.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, provider.Close()) })
	substrate, err := provider.New(t.Context(), docker.Options{Logs: t.TempDir()})
	require.NoError(t, err)
	target = on(t, substrate)
	store := target.store(t, drills.RoleRedis)
	wire := target.link(t, drills.LinkSpec{From: "replica-1", To: "redis", Upstream: store.Addr(), Direct: true})
	replica = target.launch(t, drills.ProcessSpec{
		Name: "replica-1", Env: []string{victimMark + "=busy", "DEPENDENCY=" + wire.Addr()}, Ports: []string{"API_ADDR"},
	})
	target.link(t, drills.LinkSpec{From: "clients", To: "replica-1", Upstream: replica.(drills.Ported).Addr("API_ADDR")})
	return target, replica
}

func TestFaultsOfContainersBiteAndAreRecovered(t *testing.T) {
	target, replica := contain(t)
	for _, tt := range []struct {
		spec    drills.FaultSpec
		options map[string]string
		word    string
		shown   string // in the evidence
	}{
		{faults.Drop(), nil, "replica-1->redis", "dropped_packets"},
		{faults.Drop(), map[string]string{"dir": "requests"}, "replica-1->redis", "dropped_packets"},
		{faults.Drop(), map[string]string{"dir": "replies"}, "replica-1->redis", "dropped_packets"},
		{faults.CPU(), map[string]string{"cores": "0.05"}, "replica-1", "waited_ms"},
		{faults.Disconnect(), nil, "replica-1", "unreachable"},
		{faults.Disconnect(), nil, "redis", "unreachable"},
		{faults.Pause(), nil, "all", "stopped"},
	} {
		t.Run(fmt.Sprintf("%s %s %v", tt.spec.Name, tt.word, tt.options), func(t *testing.T) {
			pid := replica.Info().PID
			f := newFault(t, tt.spec, tt.options, tt.word)
			_, err := f.Plan(t.Context(), target)
			require.NoError(t, err)
			refuted, cancel := context.WithTimeout(t.Context(), briefly)
			_, err = f.Await(refuted)
			cancel()
			if tt.spec.Name != "pause" { // of a replica it is proved by what Pause returns
				require.Error(t, err, "nothing was injected")
			}
			require.NoError(t, f.Recover(t.Context()), "after an injection that did not come about")

			_, evidence := bite(t, f, target)
			require.Contains(t, evidence, tt.shown)
			require.NoError(t, f.Recover(t.Context()))
			require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
			require.Equal(t, pid, replica.Info().PID, "it ran on")
			_, err = newFault(t, faults.Disconnect(), nil, "replica-1").Plan(t.Context(), target)
			require.NoError(t, err, "it is reached")
		})
	}
}

func TestAContainerIsEndedForWantOfMemoryAndStartedAgain(t *testing.T) {
	target, replica := contain(t)
	var mu sync.Mutex
	var exits []drills.Exit
	replica.(drills.Exiter).OnExit(func(x drills.Exit) {
		mu.Lock()
		defer mu.Unlock()
		exits = append(exits, x)
	})
	for i, limit := range []string{"7MB", "+1MB"} {
		before := replica.Info().PID
		f := newFault(t, faults.Memory(), map[string]string{"limit": limit}, "replica-1")
		undo, evidence := bite(t, f, target)
		require.Equal(t, drills.ActionStart, undo.Action)
		require.Equal(t, limit, evidence["limit"])
		require.Zero(t, replica.Info().PID)
		eventually(t, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(exits) == i+1 && exits[i].OutOfMemory
		}, "others are told of the end too")
		require.NoError(t, f.Recover(t.Context()))
		require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
		require.NotZero(t, replica.Info().PID)
		require.NotEqual(t, before, replica.Info().PID)
	}
}

func TestAContainerThatEndedOffTheNetworkIsPutBack(t *testing.T) {
	target, replica := contain(t)
	f := newFault(t, faults.Disconnect(), nil, "replica-1")
	bite(t, f, target)
	require.NoError(t, replica.Kill(t.Context()))
	require.NoError(t, f.Recover(t.Context()))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	require.NoError(t, replica.Start(t.Context()))
	eventually(t, func() bool {
		_, err := newFault(t, faults.Disconnect(), nil, "replica-1").Plan(t.Context(), target)
		return err == nil
	}, "it is reached")
}

func TestFaultsOfProcessesHitContainersToo(t *testing.T) {
	target, _ := contain(t)
	for _, tt := range []struct {
		spec    drills.FaultSpec
		options map[string]string
		word    string
	}{
		{faults.Kill(), nil, "replica-1"},
		{faults.Terminate(), nil, "replica-1"},
		{faults.Restart(), nil, "redis"},
		{faults.Crash(), nil, "redis"},
		{faults.CrashLoop(), nil, "replica-1"},
		{faults.Misconfigure(), map[string]string{"set": victimMark + "=refuse"}, "replica-1"},
	} {
		t.Run(tt.spec.Name+" "+tt.word, func(t *testing.T) {
			f := newFault(t, tt.spec, tt.options, tt.word)
			undo, _ := bite(t, f, target)
			require.Equal(t, drills.ActionStart, undo.Action)
			require.NoError(t, f.Recover(t.Context()))
			require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
			for _, p := range target.Processes() {
				require.NotZero(t, p.Info().PID)
			}
		})
	}
}
