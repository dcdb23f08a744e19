package faults_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// quickly is a crash loop that does not keep a test waiting.
var quickly = map[string]string{"up": "1ms"}

func TestCrashLoopKillsItsVictimsOverAndOver(t *testing.T) {
	target := start(t, "replica-1", "replica-2")
	first := target.processes[0].Info().PID
	f := newFault(t, faults.CrashLoop(), quickly, "all")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.Undo{Action: drills.ActionStart, Victims: []string{"replica-1", "replica-2"}}, undo)
	reaped, ok := evidence["reaped"].(map[string][]int)
	require.True(t, ok)
	for _, p := range target.processes {
		pids := reaped[p.Info().Name]
		require.GreaterOrEqual(t, len(pids), 2)
		require.NotEqual(t, pids[0], pids[1])
		require.False(t, alive(pids[0]))
		require.False(t, alive(pids[1]))
	}
	require.Equal(t, first, reaped["replica-1"][0])
	eventually(t, func() bool {
		again, err := f.Await(t.Context())
		require.NoError(t, err)
		return len(again["reaped"].(map[string][]int)["replica-1"]) > len(reaped["replica-1"])
	}, "it does not stop by itself")

	require.NoError(t, f.Recover(t.Context()))
	var pids []int
	for _, p := range target.processes {
		pids = append(pids, p.Info().PID)
	}
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	for i, p := range target.processes {
		require.True(t, alive(p.Info().PID))
		require.Equal(t, pids[i], p.Info().PID, "the loop is over")
	}
}

func TestCrashLoopOfAStoreEndsWithAStoreThatTakesConnections(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	f := newFault(t, faults.CrashLoop(), quickly, "postgres")
	bite(t, f, target)
	require.NoError(t, f.Recover(t.Context()))
	conn, err := connect(t, store)
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))
}

func TestCrashLoopIsNotProvedByOneDeath(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.CrashLoop(), map[string]string{"up": "1h"}, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "nothing was killed")

	require.NoError(t, f.Inject(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "has died twice")
	require.NoError(t, f.Recover(t.Context()))
	require.True(t, alive(target.processes[0].Info().PID))
}

func TestCrashLoopTellsOfAVictimThatCannotBeStarted(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.CrashLoop(), quickly, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	require.NoError(t, target.Close(t.Context()), "nothing can be started on it any more")
	require.ErrorContains(t, f.Recover(t.Context()), "start replica-1")
}

func TestCrashLoopSaysWhatIsWrongWithItsWords(t *testing.T) {
	require.Error(t, faults.CrashLoop().Check(drills.Args{}))
	for _, option := range []string{"up", "for"} {
		args := drills.Args{Words: []string{"any"}, Options: map[string]string{option: "soon"}}
		require.ErrorContains(t, faults.CrashLoop().Check(args), option+"=soon")
	}
}
