package reports_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func write(t *testing.T, writer reports.Writer, d reports.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, writer(&b, d))
	return b.Bytes()
}

func TestEveryFormatLooksAsItShould(t *testing.T) {
	d := evening(t)
	for name, writer := range map[string]reports.Writer{
		"evening.txt":        reports.Terminal{Width: 100}.Write,
		"evening-narrow.txt": reports.Terminal{Width: 80}.Write,
		"evening-color.txt":  reports.Terminal{Width: 100, Color: true}.Write,
		"evening.json":       reports.JSON,
		"evening.junit.xml":  reports.JUnit,
		"evening.md":         reports.Markdown,
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, write(t, writer, d)) })
	}
	t.Run("trials", func(t *testing.T) {
		d := reports.NewDocument([]reports.Results{trials(t)}, false)
		golden(t, "trials.txt", write(t, reports.Terminal{Width: 100}.Write, d))
		golden(t, "trials.md", write(t, reports.Markdown, d))
		golden(t, "trials.junit.xml", write(t, reports.JUnit, d))
	})
}

func TestEveryFormatTakesAnEmptyDocument(t *testing.T) {
	for name, writer := range reports.Formats() {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, write(t, writer, reports.NewDocument(nil, false)))
			require.ErrorIs(t, writer(brokenPipe{}, evening(t)), io.ErrClosedPipe, "an error of the file is told")
		})
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestTheTableKeepsToTheWidth(t *testing.T) {
	d := evening(t)
	for line := range strings.Lines(string(write(t, reports.Terminal{Width: 110}.Write, d))) {
		if !strings.Contains(line, "repeat:") && !strings.Contains(line, "record:") { // commands are copied whole
			require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 110, line)
		}
	}
}

func TestWithoutColourThereIsNoEscapeSequence(t *testing.T) {
	d := evening(t)
	d.Runs[0].Scenario = "calm\x1b[31m"
	require.NotContains(t, string(write(t, reports.Terminal{}.Write, d)), "\x1b")
}

// suite is what a reader of JUnit files looks at.
type suite struct {
	Tests    int    `xml:"tests,attr"`
	Failures int    `xml:"failures,attr"`
	Errors   int    `xml:"errors,attr"`
	Skipped  int    `xml:"skipped,attr"`
	Name     string `xml:"name,attr"`
	Cases    []struct {
		Name    string    `xml:"name,attr"`
		Failure *struct{} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

func TestJUnitCountsWhatItLists(t *testing.T) {
	d := evening(t)
	d.Runs = append(d.Runs, drill(t, "odd\x01name <&>", 7, calm+drained)) // and no gates
	var all struct {
		suite
		Suites []suite `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal(write(t, reports.JUnit, d), &all))
	require.Len(t, all.Suites, len(d.Runs))
	var sum suite
	for _, s := range all.Suites {
		var failures, errs, skipped int
		for _, c := range s.Cases {
			require.NotEmpty(t, c.Name)
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errs++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
		require.Equal(t, []int{len(s.Cases), failures, errs, skipped}, []int{s.Tests, s.Failures, s.Errors, s.Skipped}, s.Name)
		sum.Tests, sum.Failures, sum.Errors = sum.Tests+s.Tests, sum.Failures+failures, sum.Errors+errs
	}
	require.Equal(t, []int{sum.Tests, sum.Failures, sum.Errors}, []int{all.Tests, all.Failures, all.Errors})
	require.Equal(t, 1, all.Suites[len(d.Runs)-1].Errors, "a scenario without gates is not green")
}

func TestASummaryStaysBelowTheLimitOfGitHub(t *testing.T) {
	one := evening(t).Runs[2]
	var runs []reports.Results
	for range 2000 {
		runs = append(runs, one)
	}
	text := write(t, reports.Markdown, reports.NewDocument(runs, false))
	require.LessOrEqual(t, len(text), reports.MarkdownLimit)
	require.Greater(t, len(text), reports.MarkdownLimit*8/10)
	require.Contains(t, string(text), "more parts are left out")
}

func TestResultsAreReadBackAsTheyWereWritten(t *testing.T) {
	for _, want := range append(evening(t).Runs, trials(t)) {
		var b bytes.Buffer
		require.NoError(t, reports.WriteResults(&b, want))
		text := b.String()
		got, err := reports.ReadResults(&b)
		require.NoError(t, err)
		var again bytes.Buffer
		require.NoError(t, reports.WriteResults(&again, got))
		require.Equal(t, text, again.String())
	}
	_, err := reports.ReadResults(strings.NewReader(`{"schema":2}`))
	require.ErrorContains(t, err, "schema 2, and this version reads 1")
	_, err = reports.ReadResults(strings.NewReader(`{`))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestResultsHaveTheFormThatScriptsDependOn(t *testing.T) {
	r := drill(t, "leader-kill", 7, leaderKill(11*time.Millisecond, "")+drained, "failover < 30s", "duplicates == 0")
	var b bytes.Buffer
	require.NoError(t, reports.WriteResults(&b, r))
	var got struct {
		Schema   int
		Verdict  string
		Scenario string
		Seed     uint64
		Gates    []struct {
			Gate, Verdict, Observed string
			Evidence                []uint64
		}
		Metrics struct {
			Failover struct {
				N   int
				Min float64  `json:"min_ms"`
				P50 float64  `json:"p50_ms"`
				P99 *float64 `json:"p99_ms"`
				Max float64  `json:"max_ms"`
			}
			Duplicates, Lost int
		}
		Faults []struct {
			Fault, Victim, State string
			InEffectAt           float64 `json:"in_effect_at_ms"`
			Evidence             map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.Equal(t, 1, got.Schema)
	require.Equal(t, "pass", got.Verdict)
	require.Equal(t, "failover < 30s", got.Gates[0].Gate)
	require.Equal(t, "pass", got.Gates[0].Verdict)
	require.NotEmpty(t, got.Gates[0].Evidence)
	require.Equal(t, 1, got.Metrics.Failover.N)
	require.InDelta(t, 11, got.Metrics.Failover.Max, 1e-9)
	require.Nil(t, got.Metrics.Failover.P99, "one sample has no p99")
	require.Equal(t, "kill leader", got.Faults[0].Fault)
	require.Equal(t, "replica-1", got.Faults[0].Victim)
	require.Equal(t, "recovered", got.Faults[0].State)
	require.InDelta(t, 1252, got.Faults[0].InEffectAt, 1e-9)
}

func TestTheVerdictOfADocument(t *testing.T) {
	run := func(v gates.Verdict) reports.Results { return reports.Results{Verdict: v} }
	skipped := reports.Skip("packet-drop", 1, "no nft")
	asked := skipped
	asked.Asked = true
	inapplicable := reports.Inapplicable("cron", 1, "no leader")
	for name, test := range map[string]struct {
		runs   []reports.Results
		strict bool
		want   gates.Verdict
		exit   int
	}{
		"all passed":                         {[]reports.Results{run(gates.Pass), run(gates.Pass)}, false, gates.Pass, 0},
		"a fail outweighs an unknown":        {[]reports.Results{run(gates.Unknown), run(gates.Fail)}, false, gates.Fail, 1},
		"an unknown does not pass":           {[]reports.Results{run(gates.Pass), run(gates.Unknown)}, false, gates.Unknown, 2},
		"a skipped one spoils nothing":       {[]reports.Results{run(gates.Pass), skipped, inapplicable}, false, gates.Pass, 0},
		"unless nothing ran":                 {[]reports.Results{skipped, inapplicable}, false, gates.Unknown, 2},
		"or nothing was asked for":           {nil, false, gates.Unknown, 2},
		"a skipped one counts under strict":  {[]reports.Results{run(gates.Pass), skipped}, true, gates.Unknown, 2},
		"or it was asked for by name":        {[]reports.Results{run(gates.Pass), asked}, false, gates.Unknown, 2},
		"what the system lacks never counts": {[]reports.Results{run(gates.Pass), inapplicable}, true, gates.Pass, 0},
		"a fail stays one under strict":      {[]reports.Results{run(gates.Fail), skipped}, true, gates.Fail, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := reports.NewDocument(test.runs, test.strict)
			require.Equal(t, test.want, d.Verdict)
			require.Equal(t, test.exit, d.ExitCode())
		})
	}
}

func TestAPassShowsWhatWasNotJudgedAndWhatWasNoted(t *testing.T) {
	r := reports.Results{
		Scenario: "calm", Verdict: gates.Pass,
		Gates: []reports.Gate{
			{Gate: "lost == 0", Metric: "lost", Verdict: gates.Pass},
			{Gate: "outage < 2s", Metric: "outage", Verdict: gates.Pass, Why: "nothing was acknowledged from event 1 to event 2"},
			{Gate: "unfenced == 0", Metric: "unfenced", Verdict: gates.Pass, Why: "judged by effects alone"},
			{Gate: "failover < 30s", Metric: "failover", Verdict: gates.NotApplicable, Why: "the system has no leader"},
		},
		Metrics: map[string]reports.Metric{"outage": {Unit: gates.Duration}},
	}
	d := reports.NewDocument([]reports.Results{r}, false)
	for _, text := range []string{string(write(t, reports.Terminal{}.Write, d)), string(write(t, reports.Markdown, d))} {
		require.Contains(t, text, "3 of 4 gates passed, n/a: failover")
		require.Contains(t, text, "(the system has no leader)")
		require.Contains(t, text, "judged by effects alone")
		require.NotContains(t, text, "nothing was acknowledged")
	}
}

func TestNothingOfOthersReachesATerminalAsItIs(t *testing.T) {
	wild := "a\x1b[31m\x07\u009b2J\u202eb\x7f\x9b"
	r := reports.Results{
		Scenario: wild, Verdict: gates.Fail, File: wild, Run: wild, Repeat: wild, System: wild, Options: map[string]string{"x": "y"}, Why: []string{wild},
		Gates:  []reports.Gate{{Gate: "lost == 0" + wild, Verdict: gates.Fail, Observed: wild, Why: wild, Repeat: wild}, {Gate: wild, Verdict: gates.Unknown, Why: wild}},
		Faults: []reports.Fault{{Fault: wild, Victim: wild}},
		Trials: []reports.Trial{{Verdict: gates.Fail, Repeat: wild, Why: []string{wild}}},
	}
	skipped := reports.Skip(wild, 1, wild)
	d := reports.NewDocument([]reports.Results{r, skipped}, true).Broken(reports.ExitUsage, wild)
	for name, writer := range reports.Formats() {
		if name == "json" {
			continue // a string in JSON is escaped, and no text for people
		}
		text := string(write(t, writer, d))
		for _, c := range []string{"\x1b", "\x07", "\u009b", "\u202e", "\x7f", "\x9b"} {
			require.NotContains(t, strings.ReplaceAll(text, "�", ""), c, name)
		}
	}
}
