package reports

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// SamplesLimit is how many samples of a time results.json lists.
const SamplesLimit = 1000

// Metric is one measured metric. In JSON a count is a number or null, a share
// {"share":0.998,"n":4000}, a rate {"per_s":199.8,"n":4000}, and a time its
// distribution:
//
//	{"n":3,"min_ms":4.1,"p50_ms":5,"p95_ms":9.2,"p99_ms":null,"max_ms":9.2,"samples_ms":[4.1,5,9.2]}
//
// p99 is null below 299 samples. Samples, the shortest first, are listed up to
// [SamplesLimit] of them and left out beyond it. Those without an end are
// counted in "never", with the times for which it was waited for as
// "waited_ms". Those that had not ended when they were last heard of are
// "open_ms", or counted in "open" beyond the limit. Both are known from below:
// they are in n, and a quantile that falls on or beyond them is null, its lower
// end being in "above_ms". With a quantile goes its distribution-free confidence
// interval, such as "p50_ci95_ms", whose upper end is null where samples are too
// few or unended.
type Metric struct {
	Unit   gates.Unit
	Value  *float64        // of a count, a share or a rate; nil where it is not known
	N      int             // operations that a share or a rate is of; samples of a time
	Times  gates.Times     // of a time; fewer than N where results.json left them out
	Waited []time.Duration // for the ends of those that never came, as far as it is known

	best    gates.Times // as the times would be without stalls of the harness; empty where they are the same
	whyBest string
	vain    string // why a pass would prove nothing

	told *timesJSON // the distribution as results.json has it, where that left samples out
}

func newMetric(m gates.Measured) Metric {
	metric := Metric{Unit: m.Metric.Unit, N: m.N}
	if m.Inapplicable != "" || (m.Missing != "" && !m.AtLeast) {
		metric.N = 0
		return metric
	}
	if metric.Unit != gates.Duration {
		metric.Value = &m.Value
		return metric
	}
	metric.Times = m.Times
	if len(m.Samples) > 0 {
		metric.Times = gates.TimesOf(m.Samples)
	}
	for _, s := range m.Samples {
		if s.Took == gates.Never && s.Waited > 0 {
			metric.Waited = append(metric.Waited, s.Waited)
		}
	}
	metric.N = metric.Times.Len()
	metric.best, metric.whyBest, metric.vain = m.Best, m.WhyBest, m.Vain
	return metric
}

// atBest are the times as they would be without stalls of the harness.
func (m Metric) atBest() gates.Times {
	if m.best.Len() == m.Times.Len() {
		return m.best
	}
	return m.Times
}

// measurement is the pooled times as gates take them.
func (m Metric) measurement() gates.Measurement {
	if m.N != m.Times.Len() {
		return gates.Measurement{Missing: fmt.Sprintf("of %d samples %d were left out of results.json", m.N, m.N-m.Times.Len())}
	}
	return gates.Measurement{
		Times: m.Times, N: m.N, WhyOpen: "some had not ended when they were last heard of", Best: m.best, WhyBest: m.whyBest,
	}
}

// known are the times with what is known of those that never ended: that they
// took longer than was waited for them.
func (m Metric) known() gates.Times {
	if len(m.Waited) == 0 {
		return m.Times
	}
	var b gates.TimesBuilder
	for _, waited := range m.Waited {
		b.Add(waited, true)
	}
	for took := range m.Times.Open() {
		b.Add(took, true)
	}
	untold := m.never() - len(m.Waited)
	for took := range m.Times.Ended() {
		if took == gates.Never {
			untold--
			if untold < 0 {
				continue
			}
		}
		b.Add(took, false)
	}
	return b.Times()
}

// never is how many times never ended.
func (m Metric) never() (n int) {
	for took := range m.Times.Ended() {
		if took == gates.Never {
			n++
		}
	}
	return n
}

// longest is the longest time, and whether it was still open.
func (m Metric) longest() (took time.Duration, open bool) {
	best, worst := m.Times.At(m.Times.Len() - 1)
	return best, worst != best
}
