package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestLatencyIsProvedByALateAnswer(t *testing.T) {
	target := start(t, "replica-1")
	target.store(t, drills.RoleRedis)
	for _, delay := range []string{"150ms", "5s"} {
		f := newFault(t, faults.Latency(), map[string]string{"delay": delay, "dir": "requests"}, "replica-1->redis")
		undo, evidence := bite(t, f, target)
		require.Equal(t, []string{"replica-1->redis"}, undo.Links)
		require.Equal(t, undo.Links, evidence["late"])
		require.NoError(t, f.Recover(t.Context()))
		_, err := f.Await(t.Context())
		require.ErrorContains(t, err, "a probe took", "a healed link is not late")
	}
}

func TestLatencySaysWhatIsWrongWithItsWords(t *testing.T) {
	check := func(options map[string]string) error {
		return faults.Latency().Check(drills.Args{Words: []string{"leader->redis"}, Options: options})
	}
	require.ErrorContains(t, check(nil), "write delay=500ms")
	require.ErrorContains(t, check(map[string]string{"delay": "fast"}), "not a duration")
	require.ErrorContains(t, check(map[string]string{"delay": "10ms", "jitter": "10ms"}), "not less than the delay")
	require.True(t, faults.Latency().Mild, "a slow link unseats nobody by itself")
}
