package reports

import (
	"math"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// confidence is that of all intervals and bounds in reports.
const confidence = 0.95

// medianInterval is the distribution-free confidence interval of the median:
// the samples below the true median number Binomial(n, ½), whatever the
// distribution. There is none where samples are too few.
func medianInterval(times gates.Times) (lo, hi time.Duration, ok bool) {
	n := times.Len()
	tail := (1 - confidence) / 2
	below, low, high := 0.0, -1, -1
	for k := negligible(n); k < n; k++ {
		below += binomial(n, k) // P(at most k samples are below the median)
		if below <= tail {
			low = k
		}
		if below >= 1-tail {
			high = k
			break
		}
	}
	if low < 0 || high < 0 {
		return 0, 0, false
	}
	lo, _ = times.At(low)
	hi, _ = times.At(high)
	return lo, hi, true
}

// negligible is ten standard deviations under the mean of Binomial(n, ½): what
// lies below has odds of less than 10⁻²⁰, and millions of samples need no
// summing from 0.
func negligible(n int) int {
	return max(0, int(float64(n)/2-5*math.Sqrt(float64(n))))
}

// binomial is the odds of k heads in n tosses.
func binomial(n, k int) float64 {
	choose, _ := math.Lgamma(float64(n + 1))
	a, _ := math.Lgamma(float64(k + 1))
	b, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(choose - a - b - float64(n)*math.Ln2)
}

// zeroBound is how often, at most, something happens that did not happen in n
// trials: any share above it would have shown itself with that confidence.
func zeroBound(n int) float64 {
	return 1 - math.Pow(1-confidence, 1/float64(n))
}
