package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestKillEndsItsVictimsAndStartsThemAgain(t *testing.T) {
	target := start(t, "replica-1", "replica-2")
	var pids []int
	for _, p := range target.processes {
		pids = append(pids, p.Info().PID)
	}
	f := newFault(t, faults.Kill(), nil, "all")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.Equal(t, drills.Undo{Action: drills.ActionStart, Victims: []string{"replica-1", "replica-2"}}, undo)
	require.True(t, alive(pids[0]), "a plan changes nothing")

	require.NoError(t, f.Inject(t.Context()))
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"replica-1": pids[0], "replica-2": pids[1]}, evidence["reaped"])
	for _, pid := range pids {
		require.False(t, alive(pid))
	}

	require.NoError(t, f.Recover(t.Context()))
	for _, p := range target.processes {
		require.True(t, alive(p.Info().PID))
	}
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
}

func TestKillProvesNothingByAProcessThatHadEndedBefore(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.Kill(), nil, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, target.processes[0].Kill(t.Context()))
	require.ErrorIs(t, f.Inject(t.Context()), drills.ErrNotRunning)

	_, err = newFault(t, faults.Kill(), nil, "replica-1").Plan(t.Context(), target)
	require.ErrorIs(t, err, drills.ErrNotRunning)
}

func TestKillIsNotProvedWhileItsVictimRuns(t *testing.T) {
	f := newFault(t, faults.Kill(), nil, "all")
	_, err := f.Plan(t.Context(), start(t, "replica-1"))
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "still runs")
}

func TestKillWantsATarget(t *testing.T) {
	require.Error(t, faults.Kill().Check(drills.Args{}))
	require.Error(t, faults.Kill().Check(drills.Args{Words: []string{"a"}, Options: map[string]string{"for": "5s"}}))
}
