package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// Metric is one measured metric. In JSON a count is a number or null, a share
// {"share":0.998,"n":4000}, and a time its distribution:
//
//	{"n":3,"min_ms":4.1,"p50_ms":5,"p95_ms":9.2,"p99_ms":null,"max_ms":9.2,"samples_ms":[4.1,5,9.2]}
//
// p99 is null below 299 samples. Samples without an end are "never", those that
// had not ended when the record did are "open_ms", and count in the quantiles
// with the time they had taken.
type Metric struct {
	Unit    gates.Unit
	Value   *float64       // of a count or a share; nil where it is not known
	N       int            // operations that a share is of
	Samples []gates.Sample // of a time, without notes and evidence
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
	metric.N = len(m.Samples)
	for _, s := range m.Samples {
		metric.Samples = append(metric.Samples, gates.Sample{Took: s.Took, Open: s.Open})
	}
	return metric
}

// measurement is the pooled samples as gates take them.
func (m Metric) measurement() gates.Measurement {
	return gates.Measurement{Samples: m.Samples, N: m.N}
}

// sorted are the times of all samples, the shortest first.
func (m Metric) sorted() []time.Duration {
	took := make([]time.Duration, len(m.Samples))
	for i, s := range m.Samples {
		took[i] = s.Took
	}
	slices.Sort(took)
	return took
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
	sorted := m.sorted()
	at := func(q float64) *Millis {
		if len(sorted) == 0 {
			return nil
		}
		return finite(gates.Quantile(sorted, q))
	}
	t := timesJSON{N: len(sorted), Min: at(0), P50: at(0.5), P95: at(0.95), Max: at(1)}
	if len(sorted) >= gates.P99Samples {
		t.P99 = at(0.99)
	}
	if lo, hi, ok := quantileInterval(sorted, 0.5); ok && hi != gates.Never {
		t.P50CI = &[2]Millis{millis(lo), millis(hi)}
	}
	for _, s := range m.Samples {
		switch {
		case s.Took == gates.Never:
			t.Never++
		case s.Open:
			t.Open = append(t.Open, millis(s.Took))
		default:
			t.Samples = append(t.Samples, millis(s.Took))
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
	for _, ms := range both.Samples {
		m.Samples = append(m.Samples, gates.Sample{Took: ms.Duration()})
	}
	for _, ms := range both.Open {
		m.Samples = append(m.Samples, gates.Sample{Took: ms.Duration(), Open: true})
	}
	for range both.Never {
		m.Samples = append(m.Samples, gates.Sample{Took: gates.Never})
	}
	return nil
}
