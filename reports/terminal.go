package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// Terminal writes a document for people at a terminal: a table of all
// scenarios, then what is wrong with those that did not pass, with the events
// that show it and the command that does it again.
type Terminal struct {
	Color bool // use ANSI colours
	Width int  // columns; 0 for as many as it takes, events excepted
}

// widestEvent is how many columns an event has where there is no limit.
const widestEvent = 160

// Write writes the document.
func (t Terminal) Write(w io.Writer, d Document) error {
	p := &page{Terminal: t}
	p.table(d.Runs)
	p.costs(d.Runs)
	for _, r := range d.Runs {
		if len(r.Trials) > 0 {
			p.distributions(r)
		}
		if r.Verdict == gates.Fail || r.Verdict == gates.Unknown {
			p.details(r)
		}
	}
	p.seals(d.Runs)
	p.remarks(d.Runs)
	p.line("")
	if d.Error != nil {
		p.wrapped("", fmt.Sprintf("not all was done (%s): %s", d.Error.Kind(), d.Error.Why))
	}
	if vain := d.vain(); vain != "" {
		p.wrapped("", "unknown: "+vain)
	}
	p.line(p.paint(d.Verdict, clean(summary(d))))
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// page collects lines.
type page struct {
	Terminal
	b strings.Builder
}

func (p *page) line(text string) {
	p.b.WriteString(strings.TrimRight(text, " "))
	p.b.WriteByte('\n')
}

func (p *page) paint(v gates.Verdict, text string) string {
	code := map[gates.Verdict]string{gates.Pass: "32", gates.Fail: "1;31", gates.Unknown: "33", gates.NotApplicable: "2"}[v]
	return p.ansi(code, text)
}

func (p *page) ansi(code, text string) string {
	if !p.Color {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// details tells all gates of a scenario that did not pass.
func (p *page) details(r Results) {
	p.line("")
	p.line(p.paint(r.Verdict, fmt.Sprintf("%s: %s", clean(r.Scenario), verdictWord(r))) + p.ansi("2", fmt.Sprintf("  seed %d", r.Seed)))
	for _, why := range r.Why {
		p.wrapped("  ", why)
	}
	gateWidth := 0
	for _, g := range r.Gates {
		gateWidth = max(gateWidth, width(clean(g.Gate)))
	}
	above := "" // what the line above tells
	for _, g := range r.Gates {
		why := g.Why
		switch {
		case contains(r.Why, why):
			why, g.Why = "", ""
		case why != "" && why == above:
			g.Why = "as above"
		}
		p.gate(g, gateWidth)
		above = why
		if g.Verdict == gates.Pass {
			above = ""
		}
	}
	p.trials(r)
	p.pointer("repeat", r.Repeat)
	p.pointer("record", r.Run)
}

func (p *page) gate(g Gate, gateWidth int) {
	word := g.Verdict.String()
	if g.Verdict == gates.Fail {
		word = "FAIL"
	}
	line := fmt.Sprintf("  %s  %s", p.paint(g.Verdict, pad(word, 7)), pad(clean(g.Gate), gateWidth))
	if g.Observed != "" {
		line += "  observed " + clean(g.Observed)
	}
	p.line(line)
	if g.Verdict == gates.Pass {
		return
	}
	if g.Why != "" {
		p.wrapped("           ", g.Why)
	}
	for _, e := range eventLines(g) {
		text := cut("         "+e.text, p.eventWidth())
		if !e.evidence {
			text = p.ansi("2", text)
		}
		p.line(text)
	}
	if g.Repeat != "" {
		p.line("           repeat: " + clean(g.Repeat))
	}
}

// eventWidth is where the line of an event ends. Errors can be long, and logs
// of CI wrap them over the lines that matter.
func (p *page) eventWidth() int {
	if p.Width > 0 {
		return p.Width
	}
	return widestEvent
}

// contains says whether a reason is told already, for the scenario as a whole.
func contains(told []string, why string) bool {
	return why == strings.Join(told, "; ")
}

func (p *page) pointer(name, value string) {
	if value != "" {
		p.line("  " + p.ansi("2", name+":") + " " + clean(value))
	}
}

// wrapped writes a text in lines that fit, each behind the indent.
func (p *page) wrapped(indent, text string) {
	line := indent
	for _, word := range strings.Fields(clean(text)) {
		if p.Width > 0 && len(line) > len(indent) && width(line)+1+width(word) > p.Width {
			p.line(line)
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	p.line(line)
}
