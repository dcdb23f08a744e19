package catalog_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/gatetest"
)

// Whatever a record says, it does not crash the judge: no meter panics, and no
// verdict is drawn from one that the reader refuses. What the reader hands out until
// then is judged a second time as if it were the whole.
func FuzzJudge(f *testing.F) {
	for _, text := range handMade(f) {
		f.Add(text)
	}
	metrics := catalog.Metrics()
	lines := lines(f, metrics)
	path := filepath.Join(f.TempDir(), "history.jsonl")
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		require.NoError(t, os.WriteFile(path, text, 0o600))
		h, err := history.Open(path)
		if err != nil {
			return
		}
		var events []history.Event
		for e, failed := range h.Events() {
			if err = failed; err == nil {
				events = append(events, e.Clone())
			}
		}
		j := gates.Judge(history.New(h.Header(), events), lines, metrics)
		for name, m := range j.Measurements {
			require.NotContains(t, m.Missing, "the check crashed", name)
		}
		require.NotContains(t, j.Broken, "crashed")
		if j.Broken != "" {
			require.NotEqual(t, gates.Pass, j.Verdict)
		}
		for _, r := range j.Results {
			require.NotContains(t, r.Why, "the check crashed", r.Gate)
			if j.Broken != "" {
				require.NotContains(t, []gates.Verdict{gates.Pass, gates.Fail}, r.Verdict, r.Gate)
			}
		}
		if err != nil {
			j = gates.Judge(h, lines, metrics)
			require.NotContains(t, j.Broken, "crashed")
			require.Equal(t, gates.Unknown, j.Verdict, "it is not sealed")
		}
	})
}

// lines are gates of all metrics, and of all aggregates of times.
func lines(f *testing.F, metrics []gates.Metric) (all []gates.Gate) {
	f.Helper()
	byName := map[string]gates.Metric{}
	for _, m := range metrics {
		byName[m.Name] = m
	}
	for _, m := range metrics {
		bounds := map[gates.Unit][]string{
			gates.Duration: {" < 2s", ".min > 1ms", ".p50 < 2s", ".p99 <= 300ms", ".n >= 90"},
			gates.Count:    {" == 0", " > 3"}, gates.Level: {" == 3", " != 2"}, gates.Share: {" >= 99%", " < 50%"}, gates.Rate: {" >= 10/s"},
		}
		for _, bound := range bounds[m.Unit] {
			g, err := gates.Compile(m.Name+bound, byName)
			require.NoError(f, err)
			all = append(all, g)
		}
	}
	return all
}

// handMade are the histories of the gates' own tests, as files would have them, and
// some of an attacker's.
func handMade(f *testing.F) (texts [][]byte) {
	f.Helper()
	files, err := filepath.Glob("../gates/*/testdata/*.txtar")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		require.NoError(f, err)
		for _, section := range archive.Files {
			if section.Name != "history" {
				continue
			}
			events, err := gatetest.Parse(string(section.Data))
			require.NoError(f, err)
			texts = append(texts, written(f, events[:min(len(events), 60)]))
		}
	}
	drilled, err := os.ReadFile("../drills/history/testdata/drilled.jsonl")
	require.NoError(f, err)
	const latest = "9223372036854775807"
	for _, from := range []string{`"took":[2000000]`, `"intended":100000000`, `"at":1000000000`, `"settle":4000000000`, `"term":2`} {
		name, _, _ := strings.Cut(from, ":")
		for _, absurd := range []string{latest, "-" + latest, "-9223372036854775808", "1e300", "[" + latest + ",-" + latest + "]"} {
			for _, text := range texts[:40] {
				texts = append(texts, bytes.ReplaceAll(text, []byte(from), []byte(name+":"+absurd)))
			}
		}
	}
	return append(texts, drilled)
}

// written is what a file of these events has, without its seal.
func written(f *testing.F, events []history.Event) []byte {
	f.Helper()
	text := []byte(`{"header":{"schema":1,"scenario":"s","settle":4000000000,"replicas":3,"guarantees":{"leader":true,"jobs":true,"effects":"exactly-once","means":["fencing"],"concurrency_keys":true}}}` + "\n")
	for _, e := range events {
		line, err := json.Marshal(e)
		require.NoError(f, err)
		text = append(append(text, line...), '\n')
	}
	return text
}
