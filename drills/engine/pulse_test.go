package engine

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
)

// felt takes the pulse of a harness and returns what was written down of it.
func felt(t *testing.T, slept func() time.Duration, live func(p *Pulse)) (events []history.Event) {
	t.Helper()
	log, err := history.Create(filepath.Join(t.TempDir(), "history.jsonl"), history.Header{})
	require.NoError(t, err)
	defer func() { require.NoError(t, log.Close()) }()
	defer log.Observe(func(e *history.Event) { events = append(events, e.Clone()) })()
	p, stop := takePulse(log, slept)
	live(p)
	stop()
	return events
}

func never() time.Duration { return 0 }

func TestAHarnessThatRunsWritesNothingDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		require.Empty(t, felt(t, never, func(p *Pulse) {
			<-time.After(time.Hour)
			require.Zero(t, p.Stalled())
		}))
	})
}

// stand has the pulse miss its beats for a while, as a process that is stopped does.
func stand(p *Pulse, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-time.After(took)
}

func TestAStallIsWrittenDownWithItsLength(t *testing.T) {
	var stalled time.Duration
	events := felt(t, never, func(p *Pulse) {
		stand(p, 30*time.Millisecond)
		stand(p, 300*time.Millisecond)
		stalled = p.Stalled()
	})
	require.GreaterOrEqual(t, stalled, 300*time.Millisecond)
	longest := time.Duration(0)
	for _, e := range events { // a busy machine may add some
		require.Equal(t, history.OpStall, e.Op)
		require.Equal(t, "harness", e.Actor)
		stall, err := history.Decode[history.Stall](&e)
		require.NoError(t, err)
		longest = max(longest, stall.Took)
		require.LessOrEqual(t, stall.Took, e.At)
	}
	require.GreaterOrEqual(t, longest, 300*time.Millisecond)
}

func TestAMachineThatSleptIsTroubleOfTheHarness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asleep atomic.Int64
		events := felt(t, func() time.Duration { return time.Duration(asleep.Load()) }, func(p *Pulse) {
			<-time.After(time.Second)
			asleep.Store(int64(time.Minute))
			<-time.After(time.Second)
		})
		require.Len(t, events, 1)
		require.Equal(t, history.OpTrouble, events[0].Op)
		require.Contains(t, events[0].Err, "slept for 1m0s")
	})
}

func TestTheMachineTellsForHowLongItHasSlept(t *testing.T) {
	first := slept()
	require.Less(t, slept()-first, time.Second, "it is awake now")
}
