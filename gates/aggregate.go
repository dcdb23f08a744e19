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

// leastSamples is how many samples a high quantile needs, by the rule of
// [P99Samples]: n is the first with qⁿ < 5 %.
var leastSamples = map[string]int{"p90": 29, "p95": 59, "p99": P99Samples}

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
	value := g.decisive(m)
	r := reading{lo: value, hi: value, note: m.Note, evidence: m.Evidence, missing: m.Missing}
	r.observed = formatValue(g.Metric.Unit, m.Value)
	if n := len(m.Values); n > 0 && m.Values[0] != m.Values[n-1] {
		r.observed = formatValue(g.Metric.Unit, m.Values[0]) + " to " + formatValue(g.Metric.Unit, m.Values[n-1])
	}
	if g.Metric.Unit == Share {
		r.observed += fmt.Sprintf(" of %d", m.N)
	}
	if m.AtLeast && m.Missing != "" {
		r.hi = math.Inf(1)
		r.observed += " or more"
		if m.Most > 0 {
			r.hi, r.observed = m.Most, formatValue(g.Metric.Unit, m.Value)+" to "+formatValue(g.Metric.Unit, m.Most)
		}
	}
	return r
}

// decisive is the value that a gate is judged by: of several, the first that
// breaks its bound.
func (g Gate) decisive(m Measurement) float64 {
	for _, v := range m.Values {
		if g.verdict(v, v) != Pass {
			return v
		}
	}
	return m.Value
}

func (g Gate) readSamples(m Measurement) reading {
	n := len(m.Samples) + m.Times.Len()
	switch {
	case m.Missing != "":
		return unbounded(m.Missing)
	case n == 0:
		return unbounded("there are no samples")
	case g.Aggregate == "n":
		return reading{lo: float64(n), hi: float64(n), observed: fmt.Sprintf("%d samples", n)}
	case n < leastSamples[g.Aggregate]:
		return unbounded(fmt.Sprintf("a %s needs %d samples, and there are %d", g.Aggregate, leastSamples[g.Aggregate], n))
	}
	at := rank(n, quantile(g.Aggregate))
	lo, hi := m.at(at)
	r := reading{lo: nanoseconds(lo), hi: nanoseconds(hi), observed: FormatDuration(lo)}
	r.note, r.evidence = m.story(at)
	if lo != hi {
		if len(m.Samples) > 0 && hi != Never {
			r.observed += " to " + FormatDuration(hi)
		} else {
			r.observed = "over " + r.observed
		}
		r.missing = m.WhyOpen
		if r.missing == "" {
			r.missing = "the record ends before it does"
		}
	}
	if m.Best.Len() == n {
		if best, _ := m.Best.At(at); best < lo {
			r.lo, r.missing = nanoseconds(best), cmp.Or(r.missing, m.WhyBest)
		}
	}
	if n > 1 {
		r.observed += fmt.Sprintf(" (%s of %d)", g.Aggregate, n)
	}
	return r
}

// at is the i-th shortest time as an interval; see [Times.At].
func (m Measurement) at(i int) (best, worst time.Duration) {
	if len(m.Samples) == 0 {
		return m.Times.At(i)
	}
	shortest := slices.SortedFunc(slices.Values(m.Samples), func(a, b Sample) int { return cmp.Compare(a.Took, b.Took) })
	return shortest[i].Took, m.worst()[i].atWorst()
}

// story is what is told of the i-th shortest sample. Times have none: theirs
// is that of the measurement.
func (m Measurement) story(i int) (note string, evidence []uint64) {
	if len(m.Samples) == 0 {
		return m.Note, m.Evidence
	}
	s := m.worst()[i]
	return s.Note, s.Evidence
}

func (m Measurement) worst() []Sample {
	return slices.SortedFunc(slices.Values(m.Samples), func(a, b Sample) int { return cmp.Compare(a.atWorst(), b.atWorst()) })
}

func (s Sample) atWorst() time.Duration {
	if s.Open {
		return Never
	}
	return max(s.Took, s.Most)
}

func nanoseconds(d time.Duration) float64 {
	if d == Never {
		return math.Inf(1)
	}
	return float64(d)
}

// Judge holds one measurement against the gate's bound. It knows nothing of
// doubts about the drill as a whole; see the function [Judge].
func (g Gate) Judge(m Measurement) Result { return g.conclude(g.read(m)) }

func (g Gate) conclude(r reading) Result {
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
