package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// WriteLeague writes the league for people at a terminal.
func (t Terminal) WriteLeague(w io.Writer, l League) error {
	p := &page{Terminal: t}
	p.wrapped("", l.measuredBy())
	for _, s := range l.Systems {
		p.wrapped("  ", fmt.Sprintf("%s (%s): %s", strings.TrimSpace(s.Name+" "+s.Version), s.From, strings.Join(s.Promises, ", ")))
	}
	p.line("")
	p.standings(l.Standings)
	for _, s := range l.Standings {
		p.standing(s)
	}
	p.line("")
	p.line(p.paint(l.Verdict, fmt.Sprintf("%s in %s. Verdict: %s",
		plural(len(l.Systems), "system"), plural(l.scenarios(), "scenario"), l.Verdict)))
	if _, err := io.WriteString(w, p.b.String()); err != nil {
		return fmt.Errorf("write league: %w", err)
	}
	return nil
}

// scenarios is how many there are.
func (l League) scenarios() int {
	names := map[string]struct{}{}
	for _, s := range l.Standings {
		names[s.Result.Scenario] = struct{}{}
	}
	return len(names)
}

// standings is the table. It is as wide as it takes: a figure that is cut off is
// another figure.
func (p *page) standings(list []Standing) {
	rows := [][]string{leagueHeader()}
	for i, title := range rows[0] {
		rows[0][i] = strings.ToUpper(title)
	}
	for _, s := range list {
		rows = append(rows, append(s.cells(), s.verdict()))
	}
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for c, text := range cells {
			widths[c] = max(widths[c], width(text))
		}
	}
	for i, cells := range rows {
		last := len(cells) - 1
		text := cells[last]
		cells[last] = ""
		if i == 0 {
			p.line(p.ansi("1", joinRow(cells, widths)+text))
			continue
		}
		p.line(joinRow(cells, widths) + p.paint(list[i-1].Result.Verdict, text))
	}
}

// standing tells what kept a standing from passing.
func (p *page) standing(s Standing) {
	r := s.Result
	if r.Verdict != gates.Fail && r.Verdict != gates.Unknown {
		return
	}
	p.line("")
	p.line(p.paint(r.Verdict, fmt.Sprintf("%s with %s: %s", clean(r.Scenario), clean(s.System), verdictWord(r))))
	for _, o := range s.objections() {
		p.wrapped("  ", strings.TrimPrefix(o.gate+": "+o.why, ": "))
	}
	p.pointer("repeat", r.Repeat)
}
