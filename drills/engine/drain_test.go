package engine_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

// stallAll has the record say, every so often from the begin of a drain on, that
// the harness stood still.
func stallAll(c *toy, every time.Duration, times int) (forget func()) {
	var next func()
	next = func() {
		if times--; times < 0 {
			return
		}
		c.log.Append(history.Event{Actor: "harness", Op: history.OpStall, Phase: history.Info, Detail: history.Detail(history.Stall{Took: every})})
		time.AfterFunc(every, next)
	}
	return c.log.Observe(func(e *history.Event) {
		if e.Op == history.OpDrain && e.Phase == history.Invoke {
			time.AfterFunc(every, next)
		}
	})
}

// drained is what a drain says of itself, and when the last stall before its end was.
func drained(t *testing.T, events []history.Event) (drain history.Drain, at, stalled time.Duration) {
	t.Helper()
	found := of(events, history.OpDrain, history.OK)
	require.Len(t, found, 1)
	for _, e := range of(events, history.OpStall, history.Info) {
		if e.Seq < found[0].Seq {
			stalled = e.At
		}
	}
	drain, err := history.Decode[history.Drain](&found[0])
	require.NoError(t, err)
	return drain, found[0].At, stalled
}

func TestADrainBeginsAgainAfterAStall(t *testing.T) {
	for name, mute := range map[string]bool{"where all work is done": false, "where work is left": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				c.mute = mute
				defer stallAll(c, 40*time.Millisecond, 2)()
				events, err := follow(t, c, faults.All(), 1, "load jobs rate=500/s for=50ms", "drain", "wait 1s")
				require.NoError(t, err)
				drain, at, stalled := drained(t, events)
				require.True(t, drain.Complete)
				require.Len(t, of(events, history.OpStall, history.Info), 2)
				if mute {
					require.GreaterOrEqual(t, at-stalled, 2*toySettle)
				}
				require.GreaterOrEqual(t, at-stalled, toySettle)
			})
		})
	}
}

func TestADrainThatStallsNeverLeaveInPeaceIsNotComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t)
		defer stallAll(c, 40*time.Millisecond, 100)()
		events, err := follow(t, c, faults.All(), 1, "load jobs rate=500/s for=50ms", "drain", "wait 10s")
		require.NoError(t, err)
		drain, _, _ := drained(t, events)
		require.False(t, drain.Complete)
		require.Less(t, drain.Waited, time.Second)
	})
}
