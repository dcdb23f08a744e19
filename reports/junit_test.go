package reports_test

import (
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// element is what a schema says of an element: its children, and its attributes
// with a pattern; those that must be there end in "!".
type element struct {
	children   []string
	attributes map[string]string
}

const (
	anyText = `(?s).*`
	digits  = `\d+`
	decimal = `(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]{0,3})?`
)

// xunit is what junit-10.xsd of Jenkins' xUnit plugin allows, as far as it
// concerns reports of drills. The plugin refuses what is not in it.
var xunit = map[string]element{
	"testsuites": {[]string{"testsuite"}, map[string]string{"name": anyText, "time": decimal, "tests": digits, "failures": digits, "errors": digits}},
	"testsuite": {[]string{"testsuite", "properties", "testcase", "system-out", "system-err"}, map[string]string{
		"name!": anyText, "tests!": digits, "failures!": digits, "errors!": digits, "group": anyText, "time": decimal, "skipped": digits,
		"timestamp": anyText, "hostname": anyText, "id": anyText, "package": anyText, "file": anyText, "log": anyText, "url": anyText,
	}},
	"properties": {[]string{"property"}, nil},
	"property":   {nil, map[string]string{"name!": anyText, "value!": anyText}},
	"testcase": {[]string{"skipped", "error", "failure", "system-out", "system-err"}, map[string]string{
		"name!": anyText, "time": anyText, "classname": anyText, "group": anyText,
	}},
	"failure": reason, "error": reason, "skipped": reason,
	"system-out": {}, "system-err": {},
}

var reason = element{nil, map[string]string{"message": anyText, "type": anyText}}

// surefire is what surefire-test-report.xsd allows. It has one suite a file.
var surefire = map[string]element{
	"testsuites": {[]string{"testsuite"}, xunit["testsuites"].attributes},
	"testsuite": {[]string{"properties", "testcase"}, map[string]string{
		"name!": anyText, "time": decimal, "tests!": digits, "errors!": digits, "skipped!": digits, "failures!": digits, "group": anyText,
	}},
	"properties": {[]string{"property"}, nil},
	"property":   {nil, map[string]string{"name!": anyText, "value!": anyText}},
	"testcase": {[]string{"failure", "skipped", "error", "system-out", "system-err"}, map[string]string{
		"name!": anyText, "classname": anyText, "group": anyText, "time!": decimal,
	}},
	"failure":    {nil, map[string]string{"message": anyText, "type!": anyText}},
	"error":      {nil, map[string]string{"message": anyText, "type!": anyText}},
	"skipped":    {nil, map[string]string{"message": anyText}},
	"system-out": {}, "system-err": {},
}

// valid holds a file against a schema.
func valid(t *testing.T, schema map[string]element, text []byte) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(string(text)))
	var above []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			if len(above) > 0 {
				require.Contains(t, schema[above[len(above)-1]].children, name)
			}
			requireAttributes(t, schema[name], e)
			above = append(above, name)
		case xml.EndElement:
			above = above[:len(above)-1]
		}
	}
}

func requireAttributes(t *testing.T, allowed element, e xml.StartElement) {
	t.Helper()
	required := map[string]bool{}
	for name := range allowed.attributes {
		if plain, must := strings.CutSuffix(name, "!"); must {
			required[plain] = true
		}
	}
	for _, a := range e.Attr {
		pattern, found := allowed.attributes[a.Name.Local]
		if !found {
			pattern, found = allowed.attributes[a.Name.Local+"!"]
		}
		require.True(t, found, "the attribute %s of %s is not allowed", a.Name.Local, e.Name.Local)
		require.Regexp(t, `^(`+pattern+`)$`, a.Value)
		delete(required, a.Name.Local)
	}
	require.Empty(t, slices.Collect(maps.Keys(required)), "of %s", e.Name.Local)
}

// junitDocuments are documents with every kind of end.
func junitDocuments(t *testing.T) map[string]reports.Document {
	t.Helper()
	skipped := reports.Skip("leader-drop", 1, "no nft")
	asked := skipped
	asked.Asked = true
	return map[string]reports.Document{
		"an evening":     evening(t),
		"trials":         reports.NewDocument([]reports.Results{trials(t)}, false),
		"nothing":        reports.NewDocument(nil, false),
		"a file's drill": reports.NewDocument([]reports.Results{{Scenario: "a", File: "x/a.txtar", Took: 10_500, Gates: []reports.Gate{{Gate: "lost == 0", Line: 9}}}}, false),
		"not applicable": reports.NewDocument([]reports.Results{reports.Inapplicable("cron", 1, "no leader")}, false),
		"asked for":      reports.NewDocument([]reports.Results{{Scenario: "calm", Verdict: gates.Pass}, asked}, false),
		"strict":         reports.NewDocument([]reports.Results{{Scenario: "calm", Verdict: gates.Pass}, skipped}, true),
		"usage":          reports.NewDocument(nil, false).Broken(reports.ExitUsage, "unknown scenario \"x\x1b[31m\"\nand more"),
		"environment":    reports.NewDocument([]reports.Results{{Scenario: "calm", Verdict: gates.Pass}}, false).Broken(reports.ExitEnvironment, "no Redis"),
		"interrupted":    reports.NewDocument([]reports.Results{{Scenario: "calm", Verdict: gates.Pass}}, false).Broken(reports.ExitInterrupted, "by Ctrl-C"),
	}
}

func TestJUnitIsValidEverywhere(t *testing.T) {
	for name, d := range junitDocuments(t) {
		t.Run(name, func(t *testing.T) {
			text := write(t, reports.JUnit, d)
			require.NotContains(t, string(text), "\x1b")
			valid(t, xunit, text)
			valid(t, surefire, text)
		})
	}
}

// read is a JUnit file as CI reads it.
func read(t *testing.T, d reports.Document) (all struct {
	Time   string `xml:"time,attr"`
	Suites []struct {
		Name   string  `xml:"name,attr"`
		Time   float64 `xml:"time,attr"`
		Errors int     `xml:"errors,attr"`
		Failed int     `xml:"failures,attr"`
		Cases  []struct {
			Class string  `xml:"classname,attr"`
			Name  string  `xml:"name,attr"`
			Time  float64 `xml:"time,attr"`
			Error *struct {
				Message string `xml:"message,attr"`
				Type    string `xml:"type,attr"`
				Text    string `xml:",chardata"`
			} `xml:"error"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}) {
	t.Helper()
	require.NoError(t, xml.Unmarshal(write(t, reports.JUnit, d), &all))
	return all
}

func TestJUnitIsGreenOnlyWhereTheDocumentPassed(t *testing.T) {
	documents := junitDocuments(t)
	documents["passed"] = reports.NewDocument([]reports.Results{{Scenario: "calm", Verdict: gates.Pass}, reports.Skip("drop", 1, "no nft")}, false)
	for name, d := range documents {
		red := 0
		for _, s := range read(t, d).Suites {
			red += s.Errors + s.Failed
		}
		require.Equal(t, d.Verdict == gates.Pass, red == 0, name)
	}
}

func TestJUnitSaysWhatTheExitCodeStandsFor(t *testing.T) {
	for name, exit := range map[string]int{"usage": reports.ExitUsage, "environment": reports.ExitEnvironment, "interrupted": reports.ExitInterrupted} {
		suites := read(t, junitDocuments(t)[name]).Suites
		last := suites[len(suites)-1].Cases[0]
		require.Equal(t, name, last.Error.Type)
		require.Contains(t, last.Error.Text, "exit "+strconv.Itoa(exit))
		require.NotEmpty(t, last.Error.Message)
	}
}

func TestJUnitHasTheCauseWithEveryGate(t *testing.T) {
	cause := "the script was not followed: start redis-server: Unbalanced quotes"
	r := reports.Results{Scenario: "kill", File: "a/kill.txtar", Why: []string{cause}, Gates: []reports.Gate{
		{Gate: "failover < 1s", Line: 14, Why: "no fault was injected"}, {Gate: "lost == 0", Line: 15, Why: "no effect was accepted"},
	}}
	for i, c := range read(t, reports.NewDocument([]reports.Results{r}, false)).Suites[0].Cases {
		require.Contains(t, c.Error.Text, cause)
		require.Contains(t, c.Error.Text, "a/kill.txtar:"+strconv.Itoa(14+i)+": ")
	}
}

func TestJUnitTellsDrillsOfOneNameApart(t *testing.T) {
	kill := func(seed uint64, run string) reports.Results {
		return reports.Results{Scenario: "kill", Seed: seed, Run: run, Gates: []reports.Gate{{Gate: "lost == 0"}, {Gate: "lost == 0"}}}
	}
	d := reports.NewDocument([]reports.Results{kill(1, "runs/a"), kill(2, "runs/b"), kill(2, "runs/c"), kill(2, "runs/c"), kill(2, "runs/c")}, false)
	seen := map[string]bool{}
	for _, s := range read(t, d).Suites {
		require.False(t, seen[s.Name], s.Name)
		seen[s.Name] = true
		for _, c := range s.Cases {
			require.Equal(t, s.Name, c.Class)
			require.False(t, seen[c.Class+"\x00"+c.Name], c.Name)
			seen[c.Class+"\x00"+c.Name] = true
		}
	}
	require.Contains(t, seen, "kill, seed 2")
	require.Contains(t, seen, "kill, seed 2, c")
}

func TestJUnitAddsUpToTheTimeThatWasTaken(t *testing.T) {
	all := read(t, evening(t))
	whole := 0.0
	for i, s := range all.Suites {
		sum := 0.0
		for _, c := range s.Cases {
			sum += c.Time
			require.True(t, c.Time > 0 || s.Time == 0)
		}
		require.InDelta(t, s.Time, sum, 1e-9, s.Name)
		require.InDelta(t, evening(t).Runs[i].Took.Duration().Seconds(), s.Time, 1e-3)
		whole += s.Time
	}
	told, err := strconv.ParseFloat(all.Time, 64)
	require.NoError(t, err)
	require.LessOrEqual(t, math.Abs(whole-told), 0.01)
}
