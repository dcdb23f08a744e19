package leaked_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/leaked"
)

func TestHistories(t *testing.T) { gatetest.Run(t, leaked.Metric()) }

func TestASystemMayAllowForItsPools(t *testing.T) {
	events, err := gatetest.Parse(`
0s engine snapshot ok key=baseline connections=9 goroutines=90
1s client/1 submit ok subject=job/1
3s engine drain invoke
7s engine drain ok complete=true
7s engine snapshot ok key=rest connections=144 goroutines=90
7s engine end ok
`)
	require.NoError(t, err)
	gate, err := gates.Compile("leaked == 0", map[string]gates.Metric{"leaked": leaked.Metric()})
	require.NoError(t, err)
	for _, allowed := range []struct {
		connections int64
		verdict     gates.Verdict
		observed    string
	}{{45, gates.Pass, "0"}, {44, gates.Fail, "3"}, {0, gates.Fail, "135"}} {
		h := history.New(history.Header{
			Replicas: 3, Guarantees: history.Guarantees{Jobs: true}, Allowance: map[string]int64{"connections": allowed.connections},
		}, events)
		result := gates.Judge(h, []gates.Gate{gate}, nil).Results[0]
		require.Equal(t, allowed.verdict, result.Verdict)
		require.Equal(t, allowed.observed, result.Observed)
	}
}
