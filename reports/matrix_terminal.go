package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// WriteMatrix writes the matrix for people at a terminal: the defects, the
// sound system, and what stands against all that is not as it should be.
func (t Terminal) WriteMatrix(w io.Writer, m Matrix) error {
	p := &page{Terminal: t}
	p.proofs(m)
	p.line("")
	p.line(p.ansi("2", "CALM: the defective system in the same drill with the faults taken out."))
	p.line("")
	p.controls(m)
	for _, proof := range m.Defects {
		for _, a := range proof.Attempts {
			p.objections(proof.Defect, a, Caught)
		}
		p.reservation(proof)
	}
	for _, a := range m.Sound {
		p.objections("the sound system", a, Clean)
	}
	p.line("")
	for _, line := range m.summary() {
		p.line(p.paint(m.Verdict, line))
	}
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	return nil
}

// proofs has one row a defect.
func (p *page) proofs(m Matrix) {
	rows := [][]string{{"DEFECT", "GATE", "DRILL", "CAUGHT", "AFTER", "CALM", "VERDICT", "ALSO FAILED"}}
	findings := []Finding{""}
	for _, proof := range m.Defects {
		a := proof.decisive()
		rows = append(rows, []string{
			proof.Defect, proof.Gate, orDash(a.Scenario), a.share(Caught), proof.timeToCatch(),
			proof.calm(), word(proof.Told()), strings.Join(proof.alsoFailed(), ", "),
		})
		findings = append(findings, proof.Told())
	}
	p.grid(rows, findings, 6)
}

// controls has one row a scenario.
func (p *page) controls(m Matrix) {
	rows := [][]string{{"SOUND SYSTEM IN", "CLEAN", "VERDICT"}}
	findings := []Finding{""}
	for _, a := range m.Sound {
		rows = append(rows, []string{a.Scenario, a.share(Clean), word(a.Told())})
		findings = append(findings, a.Told())
	}
	p.grid(rows, findings, 2)
}

// grid sets rows under a heading, with the verdicts in colour. What comes behind
// the verdict has the room that is left.
func (p *page) grid(rows [][]string, findings []Finding, verdict int) {
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for c, text := range cells {
			widths[c] = max(widths[c], width(text))
		}
	}
	for i, cells := range rows {
		line, used := "", 0
		for c, text := range cells {
			text = pad(text, widths[c])
			if c > verdict && p.Width > 0 {
				text = cut(strings.TrimRight(text, " "), max(0, p.Width-used))
			}
			used += width(text) + gap
			if c == verdict && i > 0 {
				text = p.paint(findings[i].Verdict(), text)
			}
			line += text + strings.Repeat(" ", gap)
		}
		if i == 0 {
			line = p.ansi("1", strings.TrimRight(line, " "))
		}
		p.line(line)
	}
}

// objections tells the trials of an attempt that did not show what they should.
func (p *page) objections(who string, a Attempt, want Finding) {
	for i, t := range a.Tries {
		if t.Finding == want {
			continue
		}
		p.line("")
		p.line(p.paint(t.Finding.Verdict(), fmt.Sprintf("%s in %s, trial %d: %s", who, a.Scenario, i+1, word(t.Finding))))
		p.wrapped("  ", t.Why)
		p.pointer("repeat", t.Repeat)
		p.pointer("record", t.Run)
	}
}

// reservation tells what stands against a catch.
func (p *page) reservation(proof Proof) {
	if proof.Why == "" {
		return
	}
	p.line("")
	p.line(p.paint(proof.Finding.Verdict(), fmt.Sprintf("%s, caught by %s: %s", proof.Defect, proof.By, word(proof.Finding))))
	p.wrapped("  ", proof.Why)
	if proof.Calm != nil {
		for _, t := range proof.Calm.Tries {
			p.pointer("repeat", t.Repeat)
			p.pointer("record", t.Run)
		}
	}
}

// Verdict is what a finding means for the whole.
func (f Finding) Verdict() gates.Verdict {
	switch f {
	case Caught, Clean:
		return gates.Pass
	case Missed, Accused:
		return gates.Fail
	}
	return gates.Unknown
}

// word is a finding as tables have it: what is wrong catches the eye.
func word(f Finding) string {
	if f.Verdict() == gates.Fail {
		return strings.ToUpper(string(f))
	}
	return string(f)
}

func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}
