package gates_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/gatetest"
	"github.com/drillrun/drillrun/gates/outage"
)

func growing() map[string]gates.Metric {
	return map[string]gates.Metric{"duplicates": duplicates.Metric(), "outage": outage.Metric()}
}

func TestAConditionIsProvedByTheEventThatMeetsIt(t *testing.T) {
	for condition, test := range map[string]struct {
		history string
		at      uint64 // the event that proves it
		why     string
	}{
		"duplicates > 0": {`
0s    witness   effect ok      replica=replica-1 subject=job/1 kind=once key=a
10ms  witness   effect ok      replica=replica-2 subject=job/1 kind=once key=b
20ms  witness   effect ok      replica=replica-2 subject=job/2 kind=once key=c
`, 2, "duplicates > 0 (observed 1 or more)"},
		"outage > 2s": {`
0s    load/1    load invoke
1s    client/1  submit ok      subject=job/1
2s    witness   effect ok      replica=replica-1 subject=job/1 kind=once
4s    witness   effect ok      replica=replica-1 subject=job/2 kind=once
5s    client/1  submit ok      subject=job/2
`, 4, "outage > 2s (observed over 3 s)"},
	} {
		t.Run(condition, func(t *testing.T) {
			gate, err := gates.CompileCondition(condition, growing())
			require.NoError(t, err)
			events, err := gatetest.Parse(test.history)
			require.NoError(t, err)
			live := gates.NewLive(promising(), []gates.Gate{gate})
			for _, e := range events {
				require.Empty(t, live.Proved())
				live.Observe(&e)
				if e.Seq == test.at {
					require.Equal(t, test.why, live.Proved())
					return
				}
			}
			t.Fatal("nothing was proved")
		})
	}
}

func TestAConditionMustStayTrue(t *testing.T) {
	for _, line := range []string{"duplicates == 0", "duplicates < 3", "outage.p50 > 1s", "outage < 1s"} {
		_, err := gates.CompileCondition(line, growing())
		require.ErrorContains(t, err, "may be true for a while only", line)
	}
	_, err := gates.CompileCondition("duplicate > 0", growing())
	require.ErrorContains(t, err, `did you mean "duplicates"?`)
}
