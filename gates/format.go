package gates

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// FormatDuration writes a time as people like to read it: three digits and a
// unit ("11.2 ms", "1.84 s"), minutes from 100 s on, "never" for [Never].
func FormatDuration(d time.Duration) string {
	switch {
	case d == Never:
		return "never"
	case d == 0:
		return "0 s"
	case d < 0:
		return "-" + FormatDuration(-max(d, 1-Never)) // the least of all has no opposite
	case d >= 99950*time.Millisecond:
		s := int64(d.Round(time.Second) / time.Second)
		return fmt.Sprintf("%dm %02ds", s/60, s%60)
	}
	units := []struct {
		name string
		size time.Duration
	}{{"ns", 1}, {"µs", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second}}
	for _, u := range units {
		// 999.5 is shown as 1000 of this unit: the next one says it better.
		if v := float64(d) / float64(u.size); v < 999.5 {
			return threeDigits(v) + " " + u.name
		}
	}
	return d.String()
}

func threeDigits(v float64) string {
	if v == math.Trunc(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	decimals := 0
	switch {
	case v < 9.995:
		decimals = 2
	case v < 99.95:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// FormatShare writes a share as a percentage that is never rounded up to 100
// or down to 0: those two are claims.
func FormatShare(share float64) string {
	percent := share * 100
	shown := strconv.FormatFloat(percent, 'f', 2, 64)
	if strings.HasPrefix(shown, "100") && share < 1 {
		shown = "99.99"
	}
	if shown == "0.00" && share > 0 {
		shown = "0.01"
	}
	if whole, ok := strings.CutSuffix(shown, ".00"); ok {
		shown = whole
	}
	return shown + "%"
}

// FormatRate writes a rate to a tenth.
func FormatRate(rate float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(rate, 'f', 1, 64), ".0") + "/s"
}

func formatValue(u Unit, v float64) string {
	switch u {
	case Share:
		return FormatShare(v)
	case Rate:
		return FormatRate(v)
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
