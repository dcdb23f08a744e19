package reports

import (
	"encoding/json"
	"fmt"
	"strings"
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

func TestIntervalsOfQuantilesAreThoseOfTheBinomialDistribution(t *testing.T) {
	const none = 0
	for _, test := range []struct {
		n      int
		q      float64
		lo, hi int // ranks, by exact arithmetic
	}{
		{5, 0.5, none, none}, // odds of 1/32 below all: too many for one end of 95%
		{6, 0.5, 1, 6},
		{10, 0.5, 2, 9},
		{20, 0.5, 6, 15},
		{50, 0.5, 18, 33}, // as in every table of the sign test
		{100, 0.5, 40, 61},
		{71, 0.95, 63, none}, // 0.95^71 > 2.5%: the largest may well be under the p95
		{72, 0.95, 64, 72},
		{200, 0.95, 184, 197},
		{299, 0.99, 292, none},
		{367, 0.99, 359, none},
		{368, 0.99, 360, 368},
		{1000, 0.99, 983, 997},
	} {
		t.Run(fmt.Sprintf("%v of %d", test.q, test.n), func(t *testing.T) {
			lo, hi, ok := quantileInterval(upTo(test.n), test.q)
			require.Equal(t, test.lo != none, ok)
			require.EqualValues(t, test.lo, lo)
			if ok && test.hi == none {
				require.Equal(t, gates.Never, hi)
				return
			}
			require.EqualValues(t, test.hi, hi)
		})
	}
}

func TestTheIntervalOfAMillionSamplesIsThatOfTheNormalDistribution(t *testing.T) {
	times := upTo(1_000_000)
	for q, deviation := range map[float64]float64{0.5: 500, 0.95: 217.94, 0.99: 99.50} {
		lo, hi, ok := quantileInterval(times, q)
		require.True(t, ok)
		require.InDelta(t, 1e6*q-1.96*deviation, int64(lo), 3, "1.96 standard deviations")
		require.InDelta(t, 1e6*q+1.96*deviation, int64(hi), 3)
	}
}

// told is a distribution in one line.
func told(m Metric) string {
	var words []string
	for _, c := range distribution(m) {
		words = append(words, c.name+" "+c.text)
	}
	return strings.Join(words, "  ")
}

func TestAP99IsPrintedFrom299SamplesOnAndBelowThatTheMax(t *testing.T) {
	require.NotContains(t, told(Metric{Times: upTo(298)}), "p99")
	require.Contains(t, told(Metric{Times: upTo(298)}), "max 298 ns")
	require.Contains(t, told(Metric{Times: upTo(299)}), "n 299")
	require.Contains(t, told(Metric{Times: upTo(299)}), "p99 297 ns (95%: over 292 ns)")
}

// censored are 20 failovers of 1 to 20 ms, of which so many never came within a
// drill of a minute.
func censored(never int) Metric {
	var samples []gates.Sample
	for i := range 20 {
		s := gates.Sample{Took: time.Duration(i+1) * time.Millisecond}
		if i >= 20-never {
			s = gates.Sample{Took: gates.Never, Waited: time.Minute}
		}
		samples = append(samples, s)
	}
	return newMetric(gates.Measured{
		Metric: gates.Metric{Name: "failover", Unit: gates.Duration}, Measurement: gates.Measurement{Samples: samples},
	})
}

func TestAFailoverThatWasNeverSeenCensorsTheQuantilesFromItOn(t *testing.T) {
	require.Equal(t, "n 20, 1 of them never  min 1 ms  p50 10 ms (95%: 6 ms to 15 ms)  p95 19 ms (95%: over 17 ms)  max > 60 s", told(censored(1)))
	require.Equal(t, "n 20, 2 of them never  min 1 ms  p50 10 ms (95%: 6 ms to 15 ms)  p95 > 60 s (95%: over 17 ms)  max > 60 s", told(censored(2)))
	require.Contains(t, told(censored(6)), "p50 10 ms (95%: over 6 ms)", "the interval reaches into what is not known")
	require.Contains(t, told(censored(11)), "p50 > 60 s (95%: over 6 ms)")
	require.Contains(t, told(censored(20)), "min > 60 s")
}

func TestCensoredQuantilesAreNullInJSONWithTheirLowerEnds(t *testing.T) {
	text, err := json.Marshal(censored(2))
	require.NoError(t, err)
	var got struct {
		N        int
		P95      *float64           `json:"p95_ms"`
		Interval [2]*float64        `json:"p95_ci95_ms"`
		Max      *float64           `json:"max_ms"`
		Above    map[string]float64 `json:"above_ms"`
		Never    int
		Waited   []float64 `json:"waited_ms"`
	}
	require.NoError(t, json.Unmarshal(text, &got))
	require.Equal(t, 20, got.N)
	require.Nil(t, got.P95)
	require.Nil(t, got.Max)
	require.InDelta(t, 17, *got.Interval[0], 1e-9)
	require.Nil(t, got.Interval[1])
	require.Equal(t, map[string]float64{"p95": 60_000, "max": 60_000}, got.Above)
	require.Equal(t, 2, got.Never)
	require.Equal(t, []float64{60_000, 60_000}, got.Waited)

	var back Metric
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, censored(2), back, "and are read back as they were")
}

func TestAnOpenSampleIsAnInterval(t *testing.T) {
	var b gates.TimesBuilder
	for took, open := range map[time.Duration]bool{1: false, 2: true, 5: false, 9: false} {
		b.Add(took, open)
	}
	require.Equal(t, "n 4  min 1 ns  p50 2 ns to 5 ns  p95 > 9 ns (95%: over 5 ns)  max > 9 ns", told(Metric{Times: b.Times()}))
}

func TestZeroInFiftyIsBelowSixPercent(t *testing.T) {
	require.InDelta(t, 0.058, zeroBound(50), 0.0005)
	require.InDelta(t, 0.01, zeroBound(299), 0.0005)
}

func TestMillisKeepNanoseconds(t *testing.T) {
	for _, d := range []time.Duration{0, 1, 11_234_567, 99*time.Hour + 1} {
		require.Equal(t, d, NewMillis(d).Duration())
	}
}
