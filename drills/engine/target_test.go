package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

func TestWhereNobodyLeadsEveryReplicaIsAFollower(t *testing.T) {
	chosen := map[string]bool{}
	for seed := uint64(1); seed <= 40 && len(chosen) < 3; seed++ {
		c := newToy(t)
		c.flat = true
		events, err := follow(t, c, faults.All(), seed, "await steady", "kill follower", "start victim")
		require.NoError(t, err)
		for _, e := range of(events, history.OpInject, history.OK) {
			fault, err := history.Decode[history.Fault](&e)
			require.NoError(t, err)
			require.Len(t, fault.Victims, 1)
			chosen[fault.Victims[0]] = true
		}
	}
	require.Equal(t, map[string]bool{"replica-1": true, "replica-2": true, "replica-3": true}, chosen)
}

func TestAFollowerIsNotTheLeader(t *testing.T) {
	for seed := range uint64(6) {
		events, err := follow(t, newToy(t), faults.All(), seed, "await steady", "kill follower", "start victim")
		require.NoError(t, err)
		found := of(events, history.OpInject, history.OK)
		require.Len(t, found, 1)
		fault, err := history.Decode[history.Fault](&found[0])
		require.NoError(t, err)
		require.NotContains(t, fault.Victims, "replica-1", "it leads from the start")
	}
}
