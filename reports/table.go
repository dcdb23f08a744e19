package reports

import (
	"strings"
)

const gap = 2 // columns between cells

// table has one row a scenario. Where the terminal is narrow, long names of
// scenarios give way first, and then the faults.
func (p *page) table(runs []Results) {
	header := []string{"SCENARIO", "FAULT → VICTIM"}
	for _, name := range columns() {
		header = append(header, strings.ToUpper(name))
	}
	rows := [][]string{append(header, "VERDICT")}
	for _, r := range runs {
		rows = append(rows, row(r))
	}
	widths := p.fit(rows, runs)
	middle := sum(widths[1:len(widths)-1]) + gap*(len(widths)-3)
	p.line(p.ansi("1", joinRow(rows[0], widths)))
	for i, r := range runs {
		cells := rows[i+1]
		verdict := p.paint(r.Verdict, cells[len(cells)-1])
		cells[len(cells)-1] = ""
		if !r.ran() { // the reason has the room of all that was not measured
			cells = []string{cells[0], pad(cut(clean(r.notRunBecause()), middle), middle), ""}
		}
		p.line(joinRow(cells, widths) + verdict)
	}
	p.reasons(runs, middle)
}

// reasons tells in full why scenarios did not run, where the table has no room.
func (p *page) reasons(runs []Results, room int) {
	for _, r := range runs {
		if !r.ran() && width(r.notRunBecause()) > room {
			p.line("")
			p.wrapped("", r.Scenario+": "+r.notRunBecause())
		}
	}
}

// fit are the widths of the columns.
func (p *page) fit(rows [][]string, runs []Results) []int {
	widths := make([]int, len(rows[0]))
	for i, cells := range rows {
		for c, text := range cells {
			if i == 0 || runs[i-1].ran() || c == 0 || c == len(cells)-1 {
				widths[c] = max(widths[c], width(text))
			}
		}
	}
	if p.Width == 0 {
		return widths
	}
	for c, least := range []int{24, 14} {
		over := sum(widths) + gap*(len(widths)-1) - p.Width
		widths[c] = min(widths[c], max(least, widths[c]-max(0, over)))
	}
	return widths
}

// joinRow sets words to the left and numbers to the right; what has no width of
// its own comes as it is.
func joinRow(cells []string, widths []int) string {
	var b strings.Builder
	for c, text := range cells {
		if c > 0 {
			b.WriteString(strings.Repeat(" ", gap))
		}
		last := c == len(cells)-1
		switch {
		case last || c == 1 && len(cells) < len(widths):
			b.WriteString(text)
		case c < 2:
			b.WriteString(pad(cut(text, widths[c]), widths[c]))
		default:
			b.WriteString(strings.Repeat(" ", widths[c]-width(text)) + text)
		}
	}
	return b.String()
}

func row(r Results) []string {
	what := faultsCell(r.Faults)
	switch {
	case !r.ran():
		what = clean(r.notRunBecause())
	case what == "":
		what = "–"
	}
	cells := []string{clean(r.Scenario), what}
	for _, name := range columns() {
		cells = append(cells, metricCell(r, name))
	}
	return append(cells, verdictWord(r))
}
