package faults_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestPauseFreezesItsVictimAndLetsItRunOn(t *testing.T) {
	target := start(t, "replica-1")
	pid := target.processes[0].Info().PID
	f := newFault(t, faults.Pause(), nil, "replica-1")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.ActionResume, undo.Action)
	require.Equal(t, map[string]int{"replica-1": pid}, evidence["stopped"])
	require.Equal(t, "T", state(t, pid))

	require.NoError(t, f.Recover(t.Context()))
	require.NotEqual(t, "T", state(t, pid))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
}

func TestPauseHasNothingToResumeOnceItsVictimIsKilled(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.Pause(), nil, "replica-1")
	bite(t, f, target)
	require.NoError(t, target.processes[0].Kill(t.Context()))
	_, err := f.Await(t.Context())
	require.ErrorContains(t, err, "no longer pid", "a dead process is no frozen one")
	require.NoError(t, f.Recover(t.Context()))
}

// state is the kernel's letter for what a process does.
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	require.NoError(t, err)
	return strings.Fields(string(stat)[strings.LastIndexByte(string(stat), ')')+1:])[0]
}

func TestTerminateTellsHowItsVictimEnded(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.Terminate(), nil, "replica-1")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.ActionStart, undo.Action)
	ended, ok := evidence["ended"].(map[string]any)
	require.True(t, ok)
	how, ok := ended["replica-1"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, 0, how["code"], "it ended by itself, as asked")
	require.NoError(t, f.Recover(t.Context()))
	require.NotZero(t, target.processes[0].Info().PID)
}

func TestRestartsAreHeldForAMomentUnlessTold(t *testing.T) {
	for _, spec := range []drills.FaultSpec{faults.Restart(), faults.Crash()} {
		hold, ok := spec.Held(drills.Args{})
		require.True(t, ok)
		require.Positive(t, hold)
		hold, ok = spec.Held(drills.Args{Options: map[string]string{"down": "3s"}})
		require.True(t, ok)
		require.Equal(t, 3*time.Second, hold)
		require.Error(t, spec.Check(drills.Args{Words: []string{"postgres"}, Options: map[string]string{"down": "soon"}}))
	}
	_, ok := faults.Pause().Held(drills.Args{})
	require.False(t, ok, "a pause lasts until it is resumed")
	hold, ok := faults.Pause().Held(drills.Args{Options: map[string]string{"for": "5s"}})
	require.True(t, ok)
	require.Equal(t, 5*time.Second, hold)
}

func TestStoresComeBackWithTheSameAddress(t *testing.T) {
	target := start(t)
	for _, role := range []drills.Role{drills.RolePostgres, drills.RoleRedis} {
		store := target.store(t, role)
		for _, spec := range []drills.FaultSpec{faults.Restart(), faults.Crash()} {
			before, addr := store.Info().PID, store.Addr()
			f := newFault(t, spec, nil, string(role))
			bite(t, f, target)
			require.Zero(t, store.Info().PID)
			require.NoError(t, f.Recover(t.Context()))
			require.NotEqual(t, before, store.Info().PID)
			require.Equal(t, addr, store.Addr())
		}
	}
}
