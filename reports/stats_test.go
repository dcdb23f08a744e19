package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

// upTo are the times 1 to n.
func upTo(n int) gates.Times {
	var b gates.TimesBuilder
	for i := range n {
		b.Add(time.Duration(i+1), false)
	}
	return b.Times()
}

func TestTheIntervalOfAMedianIsThatOfTheTextbook(t *testing.T) {
	lo, hi, ok := medianInterval(upTo(50))
	require.True(t, ok)
	require.EqualValues(t, 18, lo, "ranks 18 and 33 of 50, as in every table of the sign test")
	require.EqualValues(t, 33, hi)
	_, _, ok = medianInterval(upTo(5))
	require.False(t, ok, "five samples have no 95% interval of their median")
	_, _, ok = medianInterval(upTo(6))
	require.True(t, ok)
}

func TestTheIntervalOfAMillionSamplesIsThatOfTheNormalDistribution(t *testing.T) {
	lo, hi, ok := medianInterval(upTo(1_000_000))
	require.True(t, ok)
	require.InDelta(t, 500_000-980, int64(lo), 2, "1.96 standard deviations of 500")
	require.InDelta(t, 500_000+980, int64(hi), 2)
}

func TestAP99IsPrintedFrom299SamplesOnAndBelowThatTheMax(t *testing.T) {
	require.NotContains(t, distribution(upTo(298)), "p99")
	require.Contains(t, distribution(upTo(298)), "max 298 ns")
	require.Contains(t, distribution(upTo(299)), "n 299")
	require.Contains(t, distribution(upTo(299)), "p99 297 ns")
}

func TestZeroInFiftyIsBelowSixPercent(t *testing.T) {
	require.InDelta(t, 0.058, zeroBound(50), 0.0005)
	require.InDelta(t, 0.01, zeroBound(299), 0.0005)
}

func TestEvidenceIsShownWithItsNearestNeighbours(t *testing.T) {
	require.Equal(t, []uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, around([]uint64{2}))
	require.Equal(t, []uint64{98, 99, 100, 101, 102, 498, 499, 500, 501, 502}, around([]uint64{100, 500}))
	require.Len(t, around([]uint64{1, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 220}), Around)
	require.Empty(t, around(nil))
}

func TestMillisKeepNanoseconds(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 11_234_567, 99*time.Hour + 1} {
		require.Equal(t, d, millis(d).Duration())
	}
}
