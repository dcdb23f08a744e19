package reports

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Awaited is a defect that nothing can be said of yet.
type Awaited struct {
	Name  string
	Wrong string
	For   string // what it waits for
}

const trackRecordHead = `# Track record

A gate that has never been seen to fail proves nothing. Each defect below was built into the reference on purpose: mistakes
that were found in real systems, and guards of the reference itself, removed. The drill beside it caught it in every trial, by
the gate that names its symptom. This file is written by ` + "`make prove`" + `.

%s

*Time to catch* is from the start of a drill (stores and replicas included) to its verdict: the median of n trials. The
last column is the version that has found it.

| defect | what is wrong | found in | drill | gate | see it | time to catch | n | drillrun |
|---|---|---|---|---|---|--:|--:|---|
`

const trackRecordBugs = `
## Bugs of other systems

The same drill is red with a system that has the bug, and green with one that has it not: real bugs, found again in the
releases that had them, and mistakes that were built into an example on purpose. These rows are written by ` + "`make bugs`" + `.

| bug | what is wrong | found in | drill | gate | see it | time to catch | n | drillrun |
|---|---|---|---|---|---|--:|--:|---|
`

const trackRecordFalse = `
## False verdicts that were possible

A gate that accuses a sound system, or lets a violation pass, is a defect of drillrun itself. Each of these was found by an
audit, and has a test that holds the correction. ` + "`prove/falseverdicts.md`" + ` has this table.

`

const trackRecordOpen = `
## Open

These cannot be drilled yet.

| defect | what is wrong | waits for |
|---|---|---|
`

// TrackRecord writes docs/TRACK_RECORD.md: every defect with the drill that
// caught it, the table of false verdicts that were possible, and the defects that wait.
func TrackRecord(open []Awaited, falseVerdicts string) MatrixWriter {
	return func(w io.Writer, m Matrix) error {
		var b strings.Builder
		fmt.Fprintf(&b, trackRecordHead, escape(strings.Join(m.summary(), " ")))
		heads := map[bool]string{true: trackRecordBugs} // written before the first
		for _, released := range []bool{false, true} {
			for _, p := range m.Defects {
				if released == (p.Bug != nil) {
					b.WriteString(heads[released] + p.record())
					delete(heads, released)
				}
			}
		}
		if falseVerdicts != "" {
			b.WriteString(trackRecordFalse + falseVerdicts)
		}
		if len(open) > 0 {
			b.WriteString(trackRecordOpen)
		}
		for _, o := range open {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", code(o.Name), escape(o.Wrong), escape(o.For))
		}
		if _, err := io.WriteString(w, b.String()); err != nil {
			return fmt.Errorf("write track record: %w", err)
		}
		return nil
	}
}

func (p Proof) record() string {
	drill, see := fmt.Sprintf("**%s**", p.Finding), "–"
	if p.Finding == Caught {
		how := "--defect " + p.Defect
		if p.Bug != nil {
			how = "--system " + p.Bug.With
		}
		drill, see = code(p.By), code(fmt.Sprintf("drillrun run %s %s", p.By, how))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %s | %s | %d | %s |\n", code(p.Defect), escape(p.Wrong), escape(p.Origin),
		drill, code(p.Gate), see, p.timeToCatch(), p.decisive().count(Caught), escape(p.decisive().by()))
}

// by is the version of drillrun that has found it, and why that does not count any more.
func (a Attempt) by() string {
	version := cmp.Or(a.Version, "unknown")
	if a.Stale != "" {
		version += " (stale: " + a.Stale + ")"
	}
	return version
}
