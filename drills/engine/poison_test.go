package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

func TestALoadPlantsTheShareOfPoisonThatItWasAskedFor(t *testing.T) {
	events, err := follow(t, newToy(t), faults.All(), 1, "load jobs rate=1000/s poison=25% for=200ms")
	require.NoError(t, err)
	planted, all := 0, of(events, history.OpSubmit, history.Invoke)
	for _, e := range all {
		submit, err := history.DecodeSubmit(&e)
		require.NoError(t, err)
		if history.Poisoned(submit.Subject) {
			planted++
		}
	}
	require.InDelta(t, 0.25, float64(planted)/float64(len(all)), 0.15)
}

func TestADrainDoesNotWaitForEffectsOfPoison(t *testing.T) {
	toy := newToy(t)
	toy.mute = true
	events, err := follow(t, toy, faults.All(), 1, "load jobs rate=500/s poison=100% for=50ms", "drain")
	require.NoError(t, err)
	drained := of(events, history.OpDrain, history.OK)
	require.Len(t, drained, 1)
	drain, err := history.Decode[history.Drain](&drained[0])
	require.NoError(t, err)
	require.Zero(t, drain.Outstanding)
}
