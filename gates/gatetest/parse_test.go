package gatetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates/gatetest"
)

func TestHandMadeEventsAreTypedLikeRealOnes(t *testing.T) {
	events, err := gatetest.Parse(`
10ms  client/1  submit ok   key=k1 subject=job/1 intended=8ms attempts=2   # a comment

1s    fault/1   inject ok   fault="kill leader" victims=replica-1,replica-2 evidence="pid 7 reaped"
2s    engine    snapshot ok key=rest unfinished=3
2s    engine    end info    err="await expired"
`)
	require.NoError(t, err)
	require.Len(t, events, 4)
	submit, err := history.Decode[history.Submit](&events[0])
	require.NoError(t, err)
	require.Equal(t, history.Submit{Subject: "job/1", Intended: 8 * time.Millisecond, Attempts: 2}, submit)
	require.Equal(t, "k1", events[0].Key)
	fault, err := history.Decode[history.Fault](&events[1])
	require.NoError(t, err)
	require.Equal(t, []string{"replica-1", "replica-2"}, fault.Victims)
	require.Equal(t, "kill leader", fault.Fault)
	counts, err := history.Decode[history.Snapshot](&events[2])
	require.NoError(t, err)
	require.Equal(t, history.Snapshot{"unfinished": 3}, counts)
	require.Equal(t, "await expired", events[3].Err)
	require.EqualValues(t, 4, events[3].Seq)
}

func TestALineCanBeRepeated(t *testing.T) {
	events, err := gatetest.Parse("1s +5ms x3 client/1 submit ok subject=job/{n}")
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.Equal(t, time.Second+10*time.Millisecond, events[2].At)
	require.JSONEq(t, `{"subject":"job/3"}`, string(events[2].Detail))
}

func TestWhatIsWrongWithALineIsSaid(t *testing.T) {
	for line, want := range map[string]string{
		"soon client/1 submit ok":              `history line 1: time: invalid duration "soon"`,
		"1s client/1 submit":                   "want time, actor, operation, phase",
		"1s client/1 submit ok job/1":          `want name=value, not "job/1"`,
		"1s client/1 submit ok colour=red":     `history.Submit has no "colour"`,
		"1s client/1 submit ok intended=later": "intended: time: invalid duration",
		"1s client/1 dance ok subject=a":       `operation "dance" has no details here`,
		"1s +x x3 client/1 submit ok":          "invalid duration",
		"1s +1ms xx client/1 submit ok":        "invalid syntax",
	} {
		t.Run(line, func(t *testing.T) {
			_, err := gatetest.Parse(line)
			require.ErrorContains(t, err, want)
		})
	}
}
