package reports

import (
	"math"
	"time"
)

// confidence is that of all intervals and bounds in reports.
const confidence = 0.95

// quantileInterval is the distribution-free confidence interval of a quantile:
// the samples below the true quantile number Binomial(n, q), whatever the
// distribution. There is none where samples are too few.
func quantileInterval(sorted []time.Duration, q float64) (lo, hi time.Duration, ok bool) {
	n := len(sorted)
	tail := (1 - confidence) / 2
	below, low, high := 0.0, -1, -1
	for k := 0; k < n; k++ {
		below += binomial(n, k, q) // P(at most k samples are below the quantile)
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
	return sorted[low], sorted[high], true
}

func binomial(n, k int, p float64) float64 {
	choose, _ := math.Lgamma(float64(n + 1))
	a, _ := math.Lgamma(float64(k + 1))
	b, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(choose - a - b + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// zeroBound is how often, at most, something happens that did not happen in n
// trials: any share above it would have shown itself with that confidence.
func zeroBound(n int) float64 {
	return 1 - math.Pow(1-confidence, 1/float64(n))
}
