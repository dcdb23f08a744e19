package gates

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// P99Samples is how many samples a p99 needs. Below it, the largest sample may
// well lie under the true 99th percentile: with n samples the odds of that are
// 0.99ⁿ, and 299 is the first n with 0.99ⁿ < 5 %.
const P99Samples = 299

// Quantile is the nearest-rank quantile q (0 to 1) of sorted samples: the
// smallest sample that at least that share of them does not exceed. Without
// samples it is 0.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[rank(len(sorted), q)]
}

func rank(n int, q float64) int {
	return min(max(int(math.Ceil(q*float64(n)))-1, 0), n-1)
}

// quantile is the share of samples below an aggregate of [Gate].
func quantile(aggregate string) float64 {
	switch aggregate {
	case "min":
		return 0
	case "p50":
		return 0.5
	case "p90":
		return 0.9
	case "p95":
		return 0.95
	case "p99":
		return 0.99
	}
	return 1
}

// reading is what a gate reads off a measurement: an interval that holds the
// value, and how to tell people about it.
type reading struct {
	lo, hi   float64
	observed string
	note     string
	evidence []uint64
	missing  string
}

// unbounded is the reading of what is not known at all.
func unbounded(missing string) reading {
	return reading{lo: math.Inf(-1), hi: math.Inf(1), missing: missing}
}

func (g Gate) read(m Measurement) reading {
	if g.Metric.Unit == Duration {
		return g.readSamples(m)
	}
	if m.Missing != "" && !m.AtLeast {
		return unbounded(m.Missing)
	}
	r := reading{lo: m.Value, hi: m.Value, note: m.Note, evidence: m.Evidence, missing: m.Missing}
	r.observed = formatValue(g.Metric.Unit, m.Value)
	if g.Metric.Unit == Share {
		r.observed += fmt.Sprintf(" of %d", m.N)
	}
	if m.AtLeast && m.Missing != "" {
		r.hi = math.Inf(1)
		r.observed += " or more"
	}
	return r
}

func (g Gate) readSamples(m Measurement) reading {
	n := len(m.Samples)
	switch {
	case m.Missing != "":
		return unbounded(m.Missing)
	case g.Aggregate == "n":
		return reading{lo: float64(n), hi: float64(n), observed: fmt.Sprintf("%d samples", n)}
	case n == 0:
		return unbounded("there are no samples")
	case g.Aggregate == "p99" && n < P99Samples:
		return unbounded(fmt.Sprintf("a p99 needs %d samples, and there are %d", P99Samples, n))
	}
	at := rank(n, quantile(g.Aggregate))
	// What was still open is its lower bound at best, and never at worst: the
	// true order statistic lies between those of the two.
	best := slices.SortedFunc(slices.Values(m.Samples), func(a, b Sample) int { return cmp.Compare(a.Took, b.Took) })
	worst := slices.SortedFunc(slices.Values(m.Samples), func(a, b Sample) int { return cmp.Compare(a.atWorst(), b.atWorst()) })
	lo, hi := best[at].Took, worst[at].atWorst()
	r := reading{lo: nanoseconds(lo), hi: nanoseconds(hi), observed: FormatDuration(lo), note: worst[at].Note, evidence: worst[at].Evidence}
	if lo != hi {
		r.observed = "over " + r.observed
		r.missing = "the record ends before it does"
	}
	if n > 1 {
		r.observed += fmt.Sprintf(" (%s of %d)", g.Aggregate, n)
	}
	return r
}

func (s Sample) atWorst() time.Duration {
	if s.Open {
		return Never
	}
	return s.Took
}

func nanoseconds(d time.Duration) float64 {
	if d == Never {
		return math.Inf(1)
	}
	return float64(d)
}

// Judge holds one measurement against the gate's bound. It knows nothing of
// doubts about the drill as a whole; see the function [Judge].
func (g Gate) Judge(m Measurement) Result {
	r := g.read(m)
	result := Result{Gate: g.Text, Metric: g.Metric.Name, Verdict: g.verdict(r.lo, r.hi), Observed: r.observed, Evidence: r.evidence}
	switch result.Verdict {
	case Unknown:
		result.Why = r.missing
		if result.Why == "" {
			result.Why = "the evidence does not decide it"
		}
	default:
		result.Why = r.note
	}
	return result
}
