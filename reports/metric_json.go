package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// timesJSON is a time's distribution as results.json has it; see [Metric].
type timesJSON struct {
	N       int               `json:"n"`
	Min     *Millis           `json:"min_ms"`
	P50     *Millis           `json:"p50_ms"`
	P50CI   *[2]*Millis       `json:"p50_ci95_ms,omitempty"`
	P95     *Millis           `json:"p95_ms"`
	P95CI   *[2]*Millis       `json:"p95_ci95_ms,omitempty"`
	P99     *Millis           `json:"p99_ms"`
	P99CI   *[2]*Millis       `json:"p99_ci95_ms,omitempty"`
	Max     *Millis           `json:"max_ms"`
	Above   map[string]Millis `json:"above_ms,omitempty"`
	Never   int               `json:"never,omitempty"`
	Waited  []Millis          `json:"waited_ms,omitempty"`
	OpenN   int               `json:"open,omitempty"`
	Open    []Millis          `json:"open_ms,omitempty"`
	Samples []Millis          `json:"samples_ms,omitempty"`
}

type shareJSON struct {
	Share *float64 `json:"share"`
	N     int      `json:"n"`
}

type rateJSON struct {
	PerSecond *float64 `json:"per_s"`
	N         int      `json:"n"`
}

// MarshalJSON writes the forms that [Metric] tells of.
func (m Metric) MarshalJSON() ([]byte, error) {
	switch m.Unit {
	case gates.Duration:
		return json.Marshal(m.times())
	case gates.Share:
		return json.Marshal(shareJSON{m.Value, m.N})
	case gates.Rate:
		return json.Marshal(rateJSON{m.Value, m.N})
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
	t := timesJSON{N: m.N}
	t.quantiles(m.known())
	t.Never = m.never()
	for took := range m.Times.Ended() {
		if took != gates.Never && m.N <= SamplesLimit {
			t.Samples = append(t.Samples, NewMillis(took))
		}
	}
	for took := range m.Times.Open() {
		if m.N <= SamplesLimit {
			t.Open = append(t.Open, NewMillis(took))
		} else {
			t.OpenN++
		}
	}
	if m.N <= SamplesLimit {
		for _, waited := range m.Waited {
			t.Waited = append(t.Waited, NewMillis(waited))
		}
	}
	return t
}

// quantiles fills in what is known of them.
func (t *timesJSON) quantiles(times gates.Times) {
	if times.Len() == 0 {
		return
	}
	t.Min, t.P50, t.P95, t.Max = t.at(times, "min", 0), t.at(times, "p50", 0.5), t.at(times, "p95", 0.95), t.at(times, "max", 1)
	t.P50CI, t.P95CI = interval(times, 0.5), interval(times, 0.95)
	if times.Len() >= gates.P99Samples {
		t.P99, t.P99CI = t.at(times, "p99", 0.99), interval(times, 0.99)
	}
}

// at is a quantile; one that is known from below only is put down as that.
func (t *timesJSON) at(times gates.Times, name string, q float64) *Millis {
	best, worst := times.Interval(q)
	if worst != gates.Never {
		return finite(best)
	}
	if best != gates.Never {
		if t.Above == nil {
			t.Above = map[string]Millis{}
		}
		t.Above[name] = NewMillis(best)
	}
	return nil
}

func interval(times gates.Times, q float64) *[2]*Millis {
	lo, hi, ok := quantileInterval(times, q)
	if !ok {
		return nil
	}
	return &[2]*Millis{finite(lo), finite(hi)}
}

func finite(d time.Duration) *Millis {
	if d == gates.Never {
		return nil
	}
	ms := NewMillis(d)
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
		Share     json.RawMessage `json:"share"`
		PerSecond json.RawMessage `json:"per_s"`
	}
	if err := json.Unmarshal(text, &both); err != nil {
		return fmt.Errorf("read a metric: %w", err)
	}
	m.N = both.N
	switch {
	case both.Share != nil:
		m.Unit = gates.Share
		return json.Unmarshal(both.Share, &m.Value)
	case both.PerSecond != nil:
		m.Unit = gates.Rate
		return json.Unmarshal(both.PerSecond, &m.Value)
	}
	m.Unit = gates.Duration
	m.Times = both.times()
	for _, ms := range both.Waited {
		m.Waited = append(m.Waited, ms.Duration())
	}
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
