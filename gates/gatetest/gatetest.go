// Package gatetest runs a metric against the hand-made histories in its
// testdata. Each case is a txtar file whose name is a sentence:
//
//	Why this history is judged so, in free words.
//	-- want --
//	gate: failover < 30s
//	verdict: pass
//	observed: 11 ms
//	-- history --
//	0ms    fault/1  inject invoke  fault="kill leader" victims=replica-1
//	11ms   witness  effect ok      replica=replica-2 subject=slot/2 kind=fenced leadership=cron term=2
//	20ms   engine   end ok
//
// "want" may also have "why" (a part of the reason), "evidence" (numbers of
// events, in order), "system" (its promises; "leader jobs exactly-once" if left
// out; "leaderships=a,b" names them), "replicas" (their number; 1 if left out) and "settle" (the system's; 0s if left
// out, so that no drain is too short). A line of the history is: time, actor, operation, phase, and then
// details as name=value; see [Parse].
package gatetest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Run judges every case in testdata, and demands that each of the metrics has
// been seen to pass, to fail and to be unknown there, and not to apply where it
// can.
func Run(t *testing.T, metrics ...gates.Metric) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	known := map[string]gates.Metric{}
	for _, m := range metrics {
		known[m.Name] = m
	}
	met := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			r := runCase(t, file, known)
			met[r.Metric+" "+r.Verdict.String()] = true
		})
	}
	for _, m := range metrics {
		wanted := []gates.Verdict{gates.Pass, gates.Fail, gates.Unknown}
		if len(m.Requires) > 0 {
			wanted = append(wanted, gates.NotApplicable)
		}
		for _, v := range wanted {
			require.True(t, met[m.Name+" "+v.String()], "no case of %s is: %s", m.Name, v)
		}
	}
}

func runCase(t *testing.T, file string, known map[string]gates.Metric) gates.Result {
	archive, err := txtar.ParseFile(file)
	require.NoError(t, err)
	require.NotEmpty(t, strings.TrimSpace(string(archive.Comment)), "a case says what it shows")
	want, text, err := sections(archive)
	require.NoError(t, err)
	events, err := Parse(text)
	require.NoError(t, err)
	gate, err := gates.Compile(want["gate"], known)
	require.NoError(t, err)
	replicas, err := strconv.Atoi(want["replicas"])
	require.NoError(t, err)
	settle, err := time.ParseDuration(want["settle"])
	require.NoError(t, err)

	h := history.New(history.Header{Replicas: replicas, Settle: settle, Guarantees: guarantees(want["system"])}, events)
	judgement := gates.Judge(h, []gates.Gate{gate}, nil)
	got := judgement.Results[0]
	require.Equal(t, want["verdict"], got.Verdict.String(), "observed %q, why %q", got.Observed, got.Why)
	require.Equal(t, want["observed"], got.Observed)
	require.Contains(t, got.Why, want["why"])
	if got.Verdict == gates.Unknown || got.Verdict == gates.NotApplicable {
		require.NotEmpty(t, want["why"], "an unknown or n/a verdict has a reason, and it is %q", got.Why)
	}
	if evidence, given := want["evidence"]; given {
		require.Equal(t, "["+evidence+"]", fmt.Sprint(got.Evidence))
	}
	return got
}

// sections takes a case apart.
func sections(archive *txtar.Archive) (want map[string]string, text string, err error) {
	want = map[string]string{"system": "leader jobs exactly-once", "replicas": "1", "settle": "0s"}
	for _, f := range archive.Files {
		switch f.Name {
		case "history":
			text = string(f.Data)
		case "want":
			for line := range strings.Lines(string(f.Data)) {
				name, value, ok := strings.Cut(line, ":")
				if !ok {
					return nil, "", fmt.Errorf("want %q: no \"name: value\"", line)
				}
				want[name] = strings.TrimSpace(value)
			}
		default:
			return nil, "", fmt.Errorf("unknown section %q", f.Name)
		}
	}
	return want, text, nil
}

func guarantees(words string) history.Guarantees {
	var g history.Guarantees
	for _, word := range strings.Fields(words) {
		switch word {
		case "leader":
			g.Leader = true
		case "jobs":
			g.Jobs = true
		case "exactly-once", "at-least-once":
			g.Effects = word
		case "concurrency-keys":
			g.ConcurrencyKeys = true
		default:
			if names, named := strings.CutPrefix(word, "leaderships="); named {
				g.Leaderships = strings.Split(names, ",")
				continue
			}
			g.Means = append(g.Means, word)
		}
	}
	return g
}
