package gates_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

func took(all ...time.Duration) gates.Times {
	var b gates.TimesBuilder
	for _, d := range all {
		b.Add(d, false)
	}
	return b.Times()
}

func TestQuantilesAreSamples(t *testing.T) {
	times := took(10, 9, 8, 7, 6, 5, 4, 3, 2, 1)
	require.EqualValues(t, 1, times.Quantile(0))
	require.EqualValues(t, 5, times.Quantile(0.5))
	require.EqualValues(t, 10, times.Quantile(0.95))
	require.EqualValues(t, 10, times.Quantile(1))
	require.EqualValues(t, 0, gates.Times{}.Quantile(0.5))
}

func TestATimeIsKeptAsExactlyAsItsLengthAsks(t *testing.T) {
	for given, want := range map[time.Duration]time.Duration{
		0:                                0,
		-5:                               0,
		1<<31 - 1:                        1<<31 - 1,
		1 << 31:                          2_147_483_000,
		2*time.Second + 260_000_999:      2*time.Second + 260_000_000,
		10*time.Minute + 1001:            10*time.Minute + 1000,
		time.Hour + 1_999_999:            time.Hour + time.Millisecond,
		11 * 24 * time.Hour:              11 * 24 * time.Hour,
		13 * 24 * time.Hour:              gates.Never,
		gates.Never:                      gates.Never,
		17*time.Minute + time.Nanosecond: 17 * time.Minute,
	} {
		require.Equal(t, want, took(given).Quantile(1), "%v", given)
	}
}

func TestTimesAreInOrderAcrossResolutions(t *testing.T) {
	all := []time.Duration{gates.Never, time.Hour, 18 * time.Minute, 17 * time.Minute, 3 * time.Second, 1<<31 - 1, 7, 0}
	got := slices.Collect(took(all...).Ended())
	slices.Reverse(all)
	require.Equal(t, all, got)
}

func TestWhatIsOpenIsAnInterval(t *testing.T) {
	var b gates.TimesBuilder
	require.True(t, b.Add(5, false))
	require.True(t, b.Add(7, true))
	require.False(t, b.Add(6, false))
	require.False(t, b.Add(2, true))
	require.Equal(t, 4, b.Len())
	require.EqualValues(t, 7, b.Longest())
	times := b.Times()
	for i, want := range [][2]time.Duration{{2, 5}, {5, 6}, {6, gates.Never}, {7, gates.Never}} {
		best, worst := times.At(i)
		require.Equal(t, want, [2]time.Duration{best, worst}, "the %d-th shortest", i)
	}
	require.Equal(t, []time.Duration{2, 7}, slices.Collect(times.Open()))
}

func TestPooledTimesAreOneDistribution(t *testing.T) {
	var many gates.TimesBuilder
	for i := range 100_000 { // several pages
		many.Add(time.Duration(i), i%10 == 9)
	}
	pooled := gates.Pool(many.Times(), took(1_000_000), gates.Times{}, took(3))
	require.Equal(t, 100_002, pooled.Len())
	require.EqualValues(t, 1_000_000, pooled.Quantile(1))
	require.EqualValues(t, 49_999, pooled.Quantile(0.5))
	require.Len(t, slices.Collect(pooled.Open()), 10_000)
}
