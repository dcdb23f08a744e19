package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// SamplesLimit is how many samples of a time results.json lists.
const SamplesLimit = 1000

// Metric is one measured metric. In JSON a count is a number or null, a share
// {"share":0.998,"n":4000}, and a time its distribution:
//
//	{"n":3,"min_ms":4.1,"p50_ms":5,"p95_ms":9.2,"p99_ms":null,"max_ms":9.2,"samples_ms":[4.1,5,9.2]}
//
// p99 is null below 299 samples. Samples, the shortest first, are listed up to
// [SamplesLimit] of them and left out beyond it. Those without an end are
// counted in "never". Those that had not ended when they were last heard of are
// "open_ms", or counted in "open" beyond the limit, and count in the quantiles
// with the time they had taken.
type Metric struct {
	Unit  gates.Unit
	Value *float64    // of a count or a share; nil where it is not known
	N     int         // operations that a share is of; samples of a time
	Times gates.Times // of a time; fewer than N where results.json left them out

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
	metric.N = metric.Times.Len()
	return metric
}

// measurement is the pooled times as gates take them.
func (m Metric) measurement() gates.Measurement {
	if m.N != m.Times.Len() {
		return gates.Measurement{Missing: fmt.Sprintf("of %d samples %d were left out of results.json", m.N, m.N-m.Times.Len())}
	}
	return gates.Measurement{Times: m.Times, N: m.N, WhyOpen: "some had not ended when they were last heard of"}
}

// longest is the longest time, and whether it was still open.
func (m Metric) longest() (took time.Duration, open bool) {
	best, worst := m.Times.At(m.Times.Len() - 1)
	return best, worst != best
}

type timesJSON struct {
	N       int        `json:"n"`
	Min     *Millis    `json:"min_ms"`
	P50     *Millis    `json:"p50_ms"`
	P50CI   *[2]Millis `json:"p50_ci95_ms,omitempty"`
	P95     *Millis    `json:"p95_ms"`
	P99     *Millis    `json:"p99_ms"`
	Max     *Millis    `json:"max_ms"`
	Never   int        `json:"never,omitempty"`
	OpenN   int        `json:"open,omitempty"`
	Open    []Millis   `json:"open_ms,omitempty"`
	Samples []Millis   `json:"samples_ms,omitempty"`
}

type shareJSON struct {
	Share *float64 `json:"share"`
	N     int      `json:"n"`
}

// MarshalJSON writes the forms above.
func (m Metric) MarshalJSON() ([]byte, error) {
	switch m.Unit {
	case gates.Duration:
		return json.Marshal(m.times())
	case gates.Share:
		return json.Marshal(shareJSON{m.Value, m.N})
	}
	return json.Marshal(m.Value)
}

func (m Metric) times() timesJSON {
	if m.told != nil {
		return *m.told
	}
	if m.N != m.Times.Len() {
		return timesJSON{N: m.N} // quantiles of some would look like those of all
	}
	at := func(q float64) *Millis {
		if m.N == 0 {
			return nil
		}
		return finite(m.Times.Quantile(q))
	}
	t := timesJSON{N: m.N, Min: at(0), P50: at(0.5), P95: at(0.95), Max: at(1)}
	if m.N >= gates.P99Samples {
		t.P99 = at(0.99)
	}
	if lo, hi, ok := medianInterval(m.Times); ok && hi != gates.Never {
		t.P50CI = &[2]Millis{millis(lo), millis(hi)}
	}
	for took := range m.Times.Ended() {
		if took == gates.Never {
			t.Never++
		} else if m.N <= SamplesLimit {
			t.Samples = append(t.Samples, millis(took))
		}
	}
	for took := range m.Times.Open() {
		if m.N <= SamplesLimit {
			t.Open = append(t.Open, millis(took))
		} else {
			t.OpenN++
		}
	}
	return t
}

func finite(d time.Duration) *Millis {
	if d == gates.Never {
		return nil
	}
	ms := millis(d)
	return &ms
}

// UnmarshalJSON reads the forms that MarshalJSON writes.
func (m *Metric) UnmarshalJSON(text []byte) error {
	*m = Metric{Unit: gates.Count}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return json.Unmarshal(text, &m.Value)
	}
	var both struct {
		timesJSON
		Share json.RawMessage `json:"share"`
	}
	if err := json.Unmarshal(text, &both); err != nil {
		return fmt.Errorf("read a metric: %w", err)
	}
	m.N = both.N
	if both.Share != nil {
		m.Unit = gates.Share
		return json.Unmarshal(both.Share, &m.Value)
	}
	m.Unit = gates.Duration
	m.Times = both.times()
	if m.Times.Len() != m.N {
		m.told = &both.timesJSON
	}
	return nil
}

// times are the samples that are listed.
func (t timesJSON) times() gates.Times {
	var b gates.TimesBuilder
	for _, ms := range t.Samples {
		b.Add(ms.Duration(), false)
	}
	for _, ms := range t.Open {
		b.Add(ms.Duration(), true)
	}
	for range t.Never {
		b.Add(gates.Never, false)
	}
	return b.Times()
}
