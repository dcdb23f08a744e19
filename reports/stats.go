package reports

import (
	"math"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// confidence is that of all intervals and bounds in reports.
const confidence = 0.95

// quantileInterval is the distribution-free confidence interval of the quantile
// q: the samples below it number Binomial(n, q), whatever the distribution. It
// has no upper end (Never) where samples are too few to have one above it, or
// where that one had not ended. There is none at all without a lower end.
func quantileInterval(times gates.Times, q float64) (lo, hi time.Duration, ok bool) {
	n := times.Len()
	tail := (1 - confidence) / 2
	below, low := 0.0, -1
	hi = gates.Never
	for k := negligible(n, q); k < n; k++ {
		below += binomial(n, k, q) // P(at most k samples are below the quantile)
		if below <= tail {
			low = k
		}
		if below >= 1-tail {
			_, hi = times.At(k)
			break
		}
	}
	if low < 0 {
		return 0, 0, false
	}
	lo, _ = times.At(low)
	return lo, hi, true
}

// negligible is more than ten standard deviations under the mean of
// Binomial(n, q): millions of samples need no summing from 0.
func negligible(n int, q float64) int {
	mean := float64(n) * q
	return max(0, int(mean-10*math.Sqrt(mean*(1-q)))-20)
}

// binomial is the odds of k successes in n trials of odds q.
func binomial(n, k int, q float64) float64 {
	choose, _ := math.Lgamma(float64(n + 1))
	a, _ := math.Lgamma(float64(k + 1))
	b, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(choose - a - b + float64(k)*math.Log(q) + float64(n-k)*math.Log1p(-q))
}

// zeroBound is how often, at most, something happens that did not happen in n
// trials: any share above it would have shown itself with that confidence.
func zeroBound(n int) float64 {
	return 1 - math.Pow(1-confidence, 1/float64(n))
}
