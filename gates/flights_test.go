package gates

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drillrun/drillrun/drills/history"
)

func TestACallThatIsGivenUpIsNoMoreInFlight(t *testing.T) {
	var f Flights
	seq := uint64(0)
	step := func(at time.Duration, phase history.Phase, call uint64) {
		seq++
		f.Observe(phase, call, Moment{At: at, Seq: seq})
	}
	step(0, history.Invoke, 1)
	step(0, history.Invoke, 2)
	step(450*time.Millisecond, history.Invoke, 3) // in the slot that call 1 has left
	step(460*time.Millisecond, history.Info, 1)
	step(900*time.Millisecond, history.Invoke, 4) // 2 and 3 are still there
	step(901*time.Millisecond, history.OK, 1)     // which was slow
	step(2*time.Second, history.Info, 2)          // too late to have been unnoticed at 900 ms
	n, at := f.Most(false)
	require.Equal(t, 3, n)
	require.EqualValues(t, 5, at)
	require.Equal(t, 4, f.Arrived())
}

func TestADeathIsNoticedLate(t *testing.T) {
	die := func(heard uint64, at time.Duration) int {
		var f Flights
		f.Observe(history.Invoke, 1, Moment{At: 0, Seq: 1})
		f.Observe(history.Invoke, 2, Moment{At: time.Second, Seq: 2})
		f.Died(1, heard, Moment{At: at, Seq: 3})
		n, _ := f.Most(true)
		return n
	}
	const soon, late = time.Second + 50*time.Millisecond, time.Second + 150*time.Millisecond
	require.Equal(t, 1, die(1, soon), "whoever took over knew before")
	require.Equal(t, 2, die(2, soon), "it was alive when the second arrived")
	require.Equal(t, 2, die(1, late), "nobody can have known")
}

func TestWhatMayStillBeThinnedOutCountsAtTheEndOnly(t *testing.T) {
	var f Flights
	f.Observe(history.Invoke, 1, Moment{At: 0, Seq: 1})
	f.Observe(history.Invoke, 2, Moment{At: time.Second, Seq: 2})
	n, _ := f.Most(false)
	require.Equal(t, 1, n)
	n, _ = f.Most(true)
	require.Equal(t, 2, n)
}

// What is counted event by event is what one counts with the whole record at
// hand.
func TestFlightsAgainstAModel(t *testing.T) {
	type life struct {
		from, to Moment
		gaveUp   bool
	}
	rapid.Check(t, func(t *rapid.T) {
		var f Flights
		var lives []life
		open := map[int]bool{}
		now := Moment{}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			now = Moment{At: now.At + time.Duration(rapid.IntRange(0, 60).Draw(t, "pause"))*time.Millisecond, Seq: now.Seq + 1}
			call := rapid.IntRange(0, len(lives)).Draw(t, "call")
			if call == len(lives) {
				lives, open[call] = append(lives, life{from: now}), true
				f.Observe(history.Invoke, uint64(call), now)
				continue
			}
			phase := rapid.SampledFrom([]history.Phase{history.OK, history.Fail, history.Info}).Draw(t, "phase")
			f.Observe(phase, uint64(call), now)
			if open[call] {
				lives[call].to, lives[call].gaveUp = now, phase == history.Info
				delete(open, call)
			}
		}
		most := 0
		for _, arrival := range lives {
			n := 1
			for _, other := range lives {
				there := other.from.Seq < arrival.from.Seq && (!other.to.Happened() || other.to.Seq > arrival.from.Seq)
				left := other.gaveUp && other.to.At-arrival.from.At <= unnoticed
				if there && !left {
					n++
				}
			}
			most = max(most, n)
		}
		n, _ := f.Most(true)
		require.Equal(t, most, n)
	})
}
