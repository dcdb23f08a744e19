package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// Whatever Check has taken, a fault can be made of it, and what it aims at is known
// beforehand: a fault that aimed at nothing known would be found out in the drill.
func TestAFaultSaysWhatItAimsAt(t *testing.T) {
	backends := []string{"fail", "slow", "hang"}
	options := map[string]map[string]string{
		"bandwidth": {"rate": "16KB/s"}, "cpu": {"cores": "0.5"}, "latency": {"delay": "20ms"}, "limit": {"bytes": "8192"},
		"lock-rows": {"table": "jobs"}, "lock-table": {"table": "jobs"}, "memory": {"limit": "12MB"},
		"misconfigure": {"set": "A=b"}, "slice": {"size": "100", "delay": "20ms"}, "slow": {"delay": "100ms"},
	}
	for name, spec := range faults.All() {
		taken := 0
		for _, word := range []string{"leader", "leader->redis", "postgres", "redis", "dns"} {
			args := drills.Args{Words: []string{word}, Options: options[name]}
			if spec.Check(args) != nil {
				continue
			}
			taken++
			_, err := spec.New(args)
			require.NoError(t, err, "%s %s", name, word)
			if spec.Aims == nil {
				require.Contains(t, backends, name)
				continue
			}
			require.NotEmpty(t, spec.Aims(args), "%s %s", name, word)
		}
		require.Positive(t, taken, name)
	}
}

func TestTargetsAreNamedOnce(t *testing.T) {
	for _, name := range []string{"kill", "terminate", "restart", "crash", "crash-loop", "pause", "disconnect"} {
		check := faults.All()[name].Check
		take := func(word string) error { return check(drills.Args{Words: []string{word}}) }
		require.NoError(t, take("leader,follower"), name)
		require.ErrorContains(t, take("leader,leader"), `"leader,leader" chooses leader twice`, name)
		require.ErrorContains(t, take("leader,"), `"leader," lacks a target`, name)
	}
	check := faults.All()["partition"].Check
	require.ErrorContains(t, check(drills.Args{Words: []string{"leader,->redis"}}), "lacks a target")
}
