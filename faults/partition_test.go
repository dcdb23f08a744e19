package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestPartitionSilencesTheLinksOfItsVictimAlone(t *testing.T) {
	target := start(t, "replica-1", "replica-2")
	target.store(t, drills.RolePostgres)
	target.store(t, drills.RoleRedis)
	for _, direction := range []string{"both", "requests", "replies"} {
		t.Run(direction, func(t *testing.T) {
			cut := newFault(t, faults.Partition(), map[string]string{"dir": direction}, "replica-1->postgres,redis")
			undo, evidence := bite(t, cut, target)
			require.Equal(t, []string{"replica-1"}, undo.Victims)
			require.ElementsMatch(t, []string{"replica-1->postgres", "replica-1->redis"}, undo.Links)
			require.ElementsMatch(t, undo.Links, evidence["silent"])

			other := newFault(t, faults.Partition(), nil, "replica-2->all")
			_, err := other.Plan(t.Context(), target)
			require.NoError(t, err, "the links of the other replica still answer")
			_, err = other.Await(t.Context())
			require.ErrorContains(t, err, "a probe was answered", "a link that answers is no partition")

			require.NoError(t, cut.Recover(t.Context()))
			require.NoError(t, cut.Recover(t.Context()), "recovering twice does nothing")
		})
	}
}

func TestWhoeverIsCutOffFromTheOutsideWorldAloneCanGoOn(t *testing.T) {
	alone, target := start(t, "replica-1"), start(t, "replica-1")
	alone.witness(t)
	target.store(t, drills.RoleRedis)
	target.witness(t)
	mild := func(to *victims, words string) bool {
		undo, err := newFault(t, faults.Partition(), nil, words).Plan(t.Context(), to)
		require.NoError(t, err)
		return undo.Mild
	}
	require.True(t, mild(target, "replica-1->witness"))
	require.False(t, mild(target, "replica-1->all"))
	require.False(t, mild(target, "replica-1->redis"))
	require.True(t, mild(alone, "replica-1->all"), "all is the witness here")
}

func TestPartitionWantsLinksThatAnswerBefore(t *testing.T) {
	target := start(t, "replica-1")
	store := target.store(t, drills.RoleRedis)
	require.NoError(t, store.Kill(t.Context()))
	_, err := newFault(t, faults.Partition(), nil, "replica-1->redis").Plan(t.Context(), target)
	require.ErrorContains(t, err, "replica-1->redis")

	_, err = newFault(t, faults.Partition(), nil, "replica-1->mongo").Plan(t.Context(), target)
	require.ErrorContains(t, err, `there is no link from replica-1 to "mongo"`)
}

func TestPartitionHealsWhileItsStoreIsDown(t *testing.T) {
	target := start(t, "replica-1")
	store := target.store(t, drills.RoleRedis)
	cut := newFault(t, faults.Partition(), nil, "replica-1->redis")
	bite(t, cut, target)
	require.NoError(t, store.Kill(t.Context()))
	require.NoError(t, cut.Recover(t.Context()))
}

func TestPartitionSaysWhatIsWrongWithItsWords(t *testing.T) {
	for words, want := range map[string]string{
		"leader":                  "want FROM->TO",
		"->postgres":              "want FROM->TO",
		"leader->":                "want FROM->TO",
		"leader->postgres,,redis": "want FROM->TO",
	} {
		require.ErrorContains(t, faults.Partition().Check(drills.Args{Words: []string{words}}), want, words)
	}
	args := drills.Args{Words: []string{"leader->redis"}, Options: map[string]string{"dir": "left"}}
	require.ErrorContains(t, faults.Partition().Check(args), "want both, requests or replies")
}
