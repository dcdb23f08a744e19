package reports

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// LeagueMarkdown writes the league as a page: under which conditions it was
// measured, the table, what stands against those that did not pass, and how to
// read it.
func LeagueMarkdown(w io.Writer, l League) error {
	var b limited
	b.add(fmt.Sprintf("# League table\n\nWritten by %s.\n%s.\n\n", code(l.Command), escape(l.measuredBy())))
	b.add("| system | version | from | promises |\n|---|---|---|---|\n")
	for _, s := range l.Systems {
		b.add(fmt.Sprintf("| %s | %s | %s | %s |\n", escape(s.Name), escape(cmp.Or(s.Version, "–")), code(s.From), escape(strings.Join(s.Promises, ", "))))
	}
	b.add("\n| " + strings.Join(leagueHeader(), " | ") + " |\n|---|---|" + strings.Repeat("--:|", len(leagueColumns())) + "---|\n")
	for _, s := range l.Standings {
		cells := s.cells()
		for i := range cells {
			cells[i] = escape(cells[i])
		}
		b.add("| " + strings.Join(append(cells, s.markedVerdict()), " | ") + " |\n")
	}
	for _, s := range l.Standings {
		b.add(markdownStanding(s))
	}
	b.add("\n## How to read it\n\n")
	for _, note := range leagueNotes() {
		b.add("- " + escape(note) + "\n")
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// markedVerdict is the verdict's cell with the mark of its verdict.
func (s Standing) markedVerdict() string {
	mark, _, _ := strings.Cut(markedVerdict(verdictWord(s.Result)), " ")
	return mark + " " + escape(strings.Replace(s.verdict(), "FAIL", "fail", 1))
}

// markdownStanding tells what kept a standing from passing.
func markdownStanding(s Standing) string {
	r := s.Result
	if r.Verdict != gates.Fail && r.Verdict != gates.Unknown {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s with %s: %s\n\n", escape(r.Scenario), escape(s.System), r.Verdict)
	for _, o := range s.objections() {
		if o.gate == "" {
			fmt.Fprintf(&b, "- %s\n", escape(o.why))
			continue
		}
		fmt.Fprintf(&b, "- %s: %s\n", code(o.gate), escape(o.why))
	}
	if r.Repeat != "" {
		fmt.Fprintf(&b, "\nRepeat: %s\n", code(r.Repeat))
	}
	return b.String()
}
