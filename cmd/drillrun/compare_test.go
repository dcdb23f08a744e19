package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
)

func TestAComparisonEndsWithTheFirstDrillThatCouldNotStart(t *testing.T) {
	first, tried, scripts := brokenSeries(t, 5, 1, func() error { return errors.New("no more loopback addresses") })
	second, untried, _ := brokenSeries(t, 5, 1, func() error { return errors.New("nothing was to be started") })
	standings, err := drillInTurn(t.Context(), []*series{first, second}, scripts)
	require.ErrorContains(t, err, "no more loopback addresses")
	require.EqualValues(t, 1, tried.calls.Load())
	require.Zero(t, untried.calls.Load())
	require.Len(t, standings, 1, "a system with which nothing was begun has no standing")
	require.Equal(t, gates.Unknown, standings[0].Result.Verdict)
}

func TestEachSystemHasAStandingInEachScenario(t *testing.T) {
	refuse := func() error { return errors.New("nothing was to be started") }
	first, a, _ := brokenSeries(t, 3, 1, refuse)
	second, b, _ := brokenSeries(t, 3, 1, refuse)
	for _, s := range []*series{first, second} { // skipped, so that nothing has to run
		s.entry = catalog.SubstrateEntry{Lacks: map[string]string{"drop": "it has no packets", "memory": "it has no containers"}}
	}
	scripts, err := catalog.Scripts([]string{"leader-drop", "memory-squeeze"})
	require.NoError(t, err)
	standings, err := drillInTurn(t.Context(), []*series{first, second}, scripts)
	require.NoError(t, err)
	require.Zero(t, a.calls.Load()+b.calls.Load())
	var scenarios []string
	for _, s := range standings {
		require.NotEmpty(t, s.Result.Skipped)
		scenarios = append(scenarios, s.Result.Scenario)
	}
	require.Equal(t, []string{"leader-drop", "leader-drop", "memory-squeeze", "memory-squeeze"}, scenarios)
}

func TestPromisesAreToldInWords(t *testing.T) {
	g := drills.Guarantees{Leader: true, Jobs: true, Effects: drills.ExactlyOnce, Means: []string{"key"}}
	require.Equal(t, []string{"jobs", "leader", "effects exactly-once", "key"}, promises(g))
	require.Empty(t, promises(drills.Guarantees{}))
}

func TestTheCommandOfAComparisonIsAllOfIt(t *testing.T) {
	o := &compareOptions{systems: []string{"reference", "./a.yaml"}, run: runOptions{
		trials: 3, seed: 7, substrate: "docker", timeout: 90e9,
	}}
	require.Equal(t, "drillrun compare calm ./x.txtar --systems reference,./a.yaml --trials 3 --seed 7 --substrate docker --timeout 1m30s",
		o.command([]string{"calm", "./x.txtar"}))
}
