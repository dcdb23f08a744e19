package reports_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// timed is a trial with so many operations, of which every hundredth was never
// answered.
func timed(t *testing.T, operations int, lines ...string) reports.Results {
	t.Helper()
	var b gates.TimesBuilder
	for i := range operations {
		b.Add(time.Duration(i+1)*time.Millisecond, i%100 == 99)
	}
	metric := gates.Metric{Name: "latency", Unit: gates.Duration}
	j := gates.Judgement{Measurements: map[string]gates.Measured{
		"latency": {Metric: metric, Measurement: gates.Measurement{Times: b.Times()}},
	}}
	for _, line := range lines {
		g, err := gates.Compile(line, map[string]gates.Metric{"latency": metric})
		require.NoError(t, err)
		r := g.Judge(j.Measurements["latency"].Measurement)
		j.Results, j.Verdict = append(j.Results, r), r.Verdict
	}
	return reports.Build(history.New(history.Header{Scenario: "busy"}, nil), j, reports.Place{})
}

// written is the results as they are in a file, and read back.
func written(t *testing.T, r reports.Results) (text string, back reports.Results) {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, reports.WriteResults(&b, r))
	text = b.String()
	back, err := reports.ReadResults(&b)
	require.NoError(t, err)
	return text, back
}

func TestMoreThanAThousandSamplesAreNotListed(t *testing.T) {
	text, _ := written(t, timed(t, 1000))
	require.Contains(t, text, "samples_ms")
	require.Contains(t, text, "open_ms")

	text, back := written(t, timed(t, 10_000))
	require.Less(t, len(text), 2000)
	var got struct {
		Metrics struct {
			Latency struct {
				N, Open int
				P50     float64 `json:"p50_ms"`
				P99     float64 `json:"p99_ms"`
				Samples []float64
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.Equal(t, 10_000, got.Metrics.Latency.N)
	require.Equal(t, 100, got.Metrics.Latency.Open)
	require.InDelta(t, 5000, got.Metrics.Latency.P50, 1e-9)
	require.InDelta(t, 9900, got.Metrics.Latency.P99, 1e-9)

	again, _ := written(t, back)
	require.Equal(t, text, again, "what was read is written as it was")
}

func TestTimesThatAreNotListedArePooledAllTheSame(t *testing.T) {
	const line = "latency.p95 < 19s"
	merged := reports.Merge([]reports.Results{timed(t, 20_000, line), timed(t, 100, line)})
	require.Equal(t, 20_100, merged.Metrics["latency"].Times.Len())
	g := gateOf(t, merged, line)
	require.Equal(t, gates.Unknown, g.Verdict, "one in a hundred may have taken for ever")
	require.Equal(t, "over 19.0 s (p95 of 20100)", g.Observed)
	require.Equal(t, "some had not ended when they were last heard of", g.Why)
	require.Equal(t, gates.Pass, gateOf(t, reports.Merge([]reports.Results{timed(t, 20_000, "latency.p50 < 11s"), timed(t, 100, "latency.p50 < 11s")}), "latency.p50 < 11s").Verdict)
}

func TestSamplesThatWereLeftOutAreNotJudged(t *testing.T) {
	const line = "latency.p50 < 9s"
	_, back := written(t, timed(t, 10_000, line))
	merged := reports.Merge([]reports.Results{back, timed(t, 100, line)})
	require.Equal(t, "of 10100 samples 10000 were left out of results.json", gateOf(t, merged, line).Why)
	text, _ := written(t, merged)
	require.Contains(t, text, `"n": 10100`)
	require.Contains(t, text, `"p50_ms": null`, "a quantile of some would look like one of all")
}

func TestALineOfAnEventEndsSomewhereWhereThereIsNoTerminal(t *testing.T) {
	long := `5s witness effect ok key=again replica=replica-1 subject=job/7 kind=once err="` + strings.Repeat("connection refused ", 20) + `"`
	r := drill(t, "leader-kill", 7, leaderKill(5*time.Millisecond, long)+drained, "duplicates == 0")
	text := string(write(t, reports.Terminal{}.Write, reports.NewDocument([]reports.Results{r}, false)))
	require.Contains(t, text, "(connection refused")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 160, line)
	}
	require.Contains(t, text, "…\n")
}
