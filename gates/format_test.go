package gates_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
)

func TestDurationsHaveThreeDigitsAndAUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                           "0 s",
		7:                           "7 ns",
		999:                         "999 ns",
		1500:                        "1.50 µs",
		11_234_567:                  "11.2 ms",
		99_960_000:                  "100 ms",
		999_400_000:                 "999 ms",
		999_600_000:                 "1.00 s",
		1_840_000_000:               "1.84 s",
		30 * time.Second:            "30 s",
		99_940 * time.Millisecond:   "99.9 s",
		99_960 * time.Millisecond:   "1m 40s",
		125 * time.Second:           "2m 05s",
		-1840 * time.Millisecond:    "-1.84 s",
		math.MinInt64:               "-153722867m 16s",
		gates.Never:                 "never",
		2*time.Hour + 3*time.Minute: "123m 00s",
	} {
		t.Run(want, func(t *testing.T) { require.Equal(t, want, gates.FormatDuration(d)) })
	}
}

func TestSharesAreNotRoundedToAllOrNothing(t *testing.T) {
	require.Equal(t, "100%", gates.FormatShare(1))
	require.Equal(t, "99.99%", gates.FormatShare(0.999999))
	require.Equal(t, "99.95%", gates.FormatShare(0.9995))
	require.Equal(t, "0.01%", gates.FormatShare(0.000001))
	require.Equal(t, "0%", gates.FormatShare(0))
}

func TestRatesHaveATenth(t *testing.T) {
	require.Equal(t, "0/s", gates.FormatRate(0))
	require.Equal(t, "199.8/s", gates.FormatRate(199.76))
	require.Equal(t, "1200/s", gates.FormatRate(1200))
}
