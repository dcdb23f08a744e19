package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestMisconfigureProvesTheEndOfAVictimByItsExitCode(t *testing.T) {
	target := start(t, "replica-1", "replica-2")
	f := newFault(t, faults.Misconfigure(), map[string]string{"set": victimMark + "=refuse"}, "replica-1")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.Equal(t, drills.Undo{Action: drills.ActionStart, Victims: []string{"replica-1"}}, undo)
	require.NoError(t, f.Inject(t.Context()))
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{"replica-1": 3}, evidence["exit_codes"])

	require.NoError(t, f.Recover(t.Context()))
	pid := target.processes[0].Info().PID
	require.True(t, alive(pid))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	require.Equal(t, pid, target.processes[0].Info().PID)
}

func TestMisconfigureIsNotProvedByAVictimThatGoesOn(t *testing.T) {
	target := start(t, "replica-1")
	f := newFault(t, faults.Misconfigure(), map[string]string{"set": "COLOUR=green"}, "all")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	misled := target.processes[0].Info().PID
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "has ended by itself")

	require.NoError(t, f.Recover(t.Context()))
	require.False(t, alive(misled), "nothing goes on with what was set")
	require.True(t, alive(target.processes[0].Info().PID))
}

func TestMisconfigureWantsAVariable(t *testing.T) {
	for _, set := range []string{"", "ROLE", "=worker"} {
		args := drills.Args{Words: []string{"any"}, Options: map[string]string{"set": set}}
		require.ErrorContains(t, faults.Misconfigure().Check(args), "set=NAME=VALUE")
	}
}
