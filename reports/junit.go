package reports

import (
	"encoding/xml"
	"fmt"
	"io"
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
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Time       string          `xml:"time,attr"` // seconds
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
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
	Text    string `xml:",cdata"` // chardata would write each line break as &#xA;
}

// JUnit writes the document as JUnit XML: a suite for each scenario, a case for
// each gate. A gate that failed is a failure, an unknown one an error, and one
// that does not apply is skipped.
func JUnit(w io.Writer, d Document) error {
	all := junitSuites{Name: "drillrun"}
	for _, r := range d.Runs {
		s := junitOf(r)
		all.Tests += s.Tests
		all.Failures += s.Failures
		all.Errors += s.Errors
		all.Skipped += s.Skipped
		all.Suites = append(all.Suites, s)
	}
	text, err := xml.MarshalIndent(all, "", "  ")
	if err != nil {
		return fmt.Errorf("encode JUnit: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s%s\n", xml.Header, text); err != nil {
		return fmt.Errorf("write JUnit: %w", err)
	}
	return nil
}

func junitOf(r Results) junitSuite {
	s := junitSuite{Name: r.Scenario, Time: seconds(r.Took), Properties: properties(r)}
	if !r.Started.IsZero() {
		s.Timestamp = r.Started.UTC().Format("2006-01-02T15:04:05")
	}
	for _, g := range r.Gates {
		s.add(junitGate(r, g))
	}
	switch {
	case !r.ran():
		s.add(junitCase{Name: "scenario", Skipped: &junitReason{Message: r.notRunBecause()}})
	case r.Verdict == gates.Unknown && s.Errors == 0:
		// Without a case of its own, a scenario without gates would look green.
		s.add(junitCase{Name: "verdict", Error: &junitReason{Message: "unknown: " + strings.Join(r.Why, "; ")}})
	}
	return s
}

func (s *junitSuite) add(c junitCase) {
	c.Class, c.Time = s.Name, "0"
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
	c := junitCase{Name: g.Gate}
	switch g.Verdict {
	case gates.Pass:
		c.Output = "observed " + g.Observed
		if g.Why != "" {
			c.Output += "; " + g.Why
		}
	case gates.Fail:
		c.Failure = &junitReason{Message: "observed " + g.Observed, Text: explain(r, g)}
	case gates.NotApplicable:
		c.Skipped = &junitReason{Message: "n/a: " + g.Why}
	default:
		c.Error = &junitReason{Message: "unknown: " + g.Why, Text: explain(r, g)}
	}
	return c
}

// explain is the reason, the events and what to do, in lines.
func explain(r Results, g Gate) string {
	var b strings.Builder
	if g.Why != "" {
		fmt.Fprintf(&b, "%s\n", clean(g.Why))
	}
	for _, line := range eventLines(g) {
		fmt.Fprintf(&b, "%s\n", line.text)
	}
	fmt.Fprintf(&b, "repeat: %s\n", clean(repeatOf(r, g)))
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
	for _, p := range []junitProperty{{"system", r.System}, {"substrate", r.Substrate}, {"run", r.Run}, {"repeat", r.Repeat}} {
		if p.Value != "" {
			all = append(all, p)
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
