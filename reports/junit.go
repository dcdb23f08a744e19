package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Time     string       `xml:"time,attr"` // seconds
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string       `xml:"classname,attr"`
	Name    string       `xml:"name,attr"`
	Time    string       `xml:"time,attr"`
	Failure *junitReason `xml:"failure"`
	Error   *junitReason `xml:"error"`
	Skipped *junitReason `xml:"skipped"`
	Output  string       `xml:"system-out,omitempty"`
}

type junitReason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"` // not of what is skipped
	Text    string `xml:",cdata"`              // chardata would write each line break as &#xA;
}

// JUnit writes the document as JUnit XML: a suite for each scenario, a case for
// each gate. A gate that failed is a failure, an unknown one an error, and one
// that does not apply is skipped. A file with no failure and no error is one of
// a document that passed.
//
// There is no schema that everybody keeps to. This is what the one of Jenkins'
// xUnit plugin, by which it refuses files, and the one of Surefire both allow;
// GitLab takes that too. Neither has a place for a scenario's file but the
// properties.
func JUnit(w io.Writer, d Document) error {
	all := junitSuites{Name: "drillrun"}
	names := map[string]bool{}
	took := Millis(0)
	for _, r := range d.Runs {
		s := junitOf(r, distinct(names, r))
		took += r.Took
		all.add(s)
	}
	if s := junitWhole(d); d.Error != nil || all.Failures+all.Errors == 0 && len(s.Cases) > 0 {
		all.add(s)
	}
	all.Time = seconds(took)
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode JUnit: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, text); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func (all *junitSuites) add(s junitSuite) {
	all.Tests += s.Tests
	all.Failures += s.Failures
	all.Errors += s.Errors
	all.Suites = append(all.Suites, s)
}

// distinct is a name of its own for the suite of a scenario: of cases with the
// same class and name, readers keep one.
func distinct(taken map[string]bool, r Results) string {
	name := clean(r.Scenario)
	for _, more := range []string{fmt.Sprintf(", seed %d", r.Seed), ", " + clean(filepath.Base(r.Run))} {
		if taken[name] {
			name += more
		}
	}
	for n, once := 2, name; taken[name]; n++ {
		name = fmt.Sprintf("%s, %d", once, n)
	}
	taken[name] = true
	return name
}

// junitWhole is a suite for what concerns the document and none of its runs.
func junitWhole(d Document) junitSuite {
	s := junitSuite{Name: "drillrun", Properties: []junitProperty{}}
	switch vain := d.vain(); {
	case d.Error != nil:
		s.add(junitCase{Name: d.Error.Kind(), Error: &junitReason{
			Message: clean(d.Error.Why), Type: d.Error.Kind(), Text: fmt.Sprintf("exit %d\n%s\n", d.Error.Exit, PlainLines(d.Error.Why)),
		}})
	case vain != "":
		s.add(junitCase{Name: "verdict", Error: &junitReason{Message: "unknown: " + clean(vain), Type: "unknown"}})
	}
	s.share(0)
	return s
}

func junitOf(r Results, name string) junitSuite {
	s := junitSuite{Name: name, Time: seconds(r.Took), Properties: properties(r)}
	for _, g := range r.Gates {
		s.add(junitGate(r, g))
	}
	switch {
	case r.missed():
		s.add(junitCase{Name: "scenario", Error: &junitReason{Message: "unknown: asked for, and " + clean(r.notRunBecause()), Type: "unknown"}})
	case !r.ran():
		s.add(junitCase{Name: "scenario", Skipped: &junitReason{Message: clean(r.notRunBecause())}})
	case r.Verdict == gates.Unknown && s.Errors == 0:
		// Without a case of its own, a scenario without gates would look green.
		s.add(junitCase{Name: "verdict", Error: &junitReason{
			Message: "unknown: " + clean(strings.Join(r.Why, "; ")), Type: "unknown", Text: explain(r, Gate{}),
		}})
	}
	s.share(r.Took)
	return s
}

// share gives each case its part of the drill's time: a gate has none of its
// own, and readers add up those of the cases.
func (s *junitSuite) share(took Millis) {
	s.Time = seconds(took)
	left := int64(took + 0.5)
	for i := range s.Cases {
		part := left / int64(len(s.Cases)-i)
		s.Cases[i].Time = seconds(Millis(part))
		left -= part
	}
}

func (s *junitSuite) add(c junitCase) {
	c.Class = s.Name
	for n, once := 2, c.Name; slices.ContainsFunc(s.Cases, func(other junitCase) bool { return other.Name == c.Name }); n++ {
		c.Name = fmt.Sprintf("%s, %d", once, n)
	}
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

func junitGate(r Results, g Gate) junitCase {
	c := junitCase{Name: clean(g.Gate)}
	switch g.Verdict {
	case gates.Pass:
		c.Output = clean("observed " + g.Observed)
		if g.Why != "" {
			c.Output += clean("; " + g.Why)
		}
	case gates.Fail:
		c.Failure = &junitReason{Message: clean("observed " + g.Observed), Type: "fail", Text: explain(r, g)}
	case gates.NotApplicable:
		c.Skipped = &junitReason{Message: clean("n/a: " + g.Why)}
	default:
		c.Error = &junitReason{Message: clean("unknown: " + g.Why), Type: "unknown", Text: explain(r, g)}
	}
	return c
}

// explain is the line of the gate, the reason, what is wrong with the drill as a
// whole, the events and what to do, in lines. Some readers show this text alone.
func explain(r Results, g Gate) string {
	var b strings.Builder
	if r.File != "" && g.Line > 0 {
		fmt.Fprintf(&b, "%s:%d: %s\n", clean(r.File), g.Line, clean(g.Gate))
	}
	if g.Why != "" {
		fmt.Fprintf(&b, "%s\n", clean(g.Why))
	}
	for _, why := range r.Why {
		if why != g.Why {
			fmt.Fprintf(&b, "%s\n", PlainLines(why))
		}
	}
	for _, line := range eventLines(g) {
		fmt.Fprintf(&b, "%s\n", line.text)
	}
	if repeat := repeatOf(r, g); repeat != "" {
		fmt.Fprintf(&b, "repeat: %s\n", clean(repeat))
	}
	return b.String()
}

func repeatOf(r Results, g Gate) string {
	if g.Repeat != "" {
		return g.Repeat
	}
	return r.Repeat
}

func properties(r Results) []junitProperty {
	all := []junitProperty{{"seed", strconv.FormatUint(r.Seed, 10)}}
	started := ""
	if !r.Started.IsZero() {
		started = r.Started.UTC().Format(time.RFC3339)
	}
	for _, p := range []junitProperty{
		{"file", r.File}, {"system", r.System}, {"substrate", r.Substrate}, {"started", started}, {"run", r.Run}, {"repeat", r.Repeat},
	} {
		if p.Value != "" {
			all = append(all, junitProperty{p.Name, clean(p.Value)})
		}
	}
	if len(r.Trials) > 0 {
		all = append(all, junitProperty{"trials", strconv.Itoa(len(r.Trials))})
	}
	return append(all, sealProperties(r)...)
}

func seconds(m Millis) string {
	return strconv.FormatFloat(float64(m)/float64(time.Second/time.Millisecond), 'f', 3, 64)
}
