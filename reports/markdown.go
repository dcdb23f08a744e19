package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// MarkdownLimit is the most that [Markdown] writes, in bytes: GitHub drops a
// step summary above 1 MiB whole.
const MarkdownLimit = 1 << 20

// Markdown writes the document for a GitHub step summary: a table, and what is
// wrong with the scenarios that did not pass. What does not fit is left out,
// and said so.
func Markdown(w io.Writer, d Document) error {
	var b limited
	b.add(fmt.Sprintf("## Drills: %s\n\n%s\n\n", markedVerdict(d.Verdict.String()), escape(summary(d))))
	if d.Error != nil {
		b.add(fmt.Sprintf("**Not all was done** (%s): %s\n\n", d.Error.Kind(), escape(d.Error.Why)))
	}
	if vain := d.vain(); vain != "" {
		b.add(fmt.Sprintf("**Unknown**: %s\n\n", escape(vain)))
	}
	if len(d.Runs) > 0 {
		b.add("| scenario | fault → victim | failover | outage | duplicates | lost | verdict |\n|---|---|--:|--:|--:|--:|---|\n")
	}
	for _, r := range d.Runs {
		cells := row(r)
		for i := range cells {
			cells[i] = escape(cells[i])
		}
		cells[len(cells)-1] = markedVerdict(verdictWord(r))
		b.add("| " + strings.Join(cells, " | ") + " |\n")
	}
	for _, r := range d.Runs {
		if len(r.Trials) > 0 {
			b.add(markdownTrials(r))
		}
		if r.Verdict == gates.Fail || r.Verdict == gates.Unknown {
			b.add(markdownDetails(r))
		}
		if r.Verdict == gates.Pass {
			b.add(markdownRemarks(r))
		}
	}
	b.add(markdownRecords(d.Runs))
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// limited takes pieces while there is room, and counts the others.
type limited struct {
	strings.Builder
	left int
}

const leftOut = "\n*%d more parts are left out: the limit of a summary is 1 MiB.*\n"

func (l *limited) add(piece string) {
	if l.left > 0 || l.Len()+len(piece)+2*len(leftOut) > MarkdownLimit {
		l.left++
		return
	}
	l.WriteString(piece)
}

// String is what was taken, and how much was not.
func (l *limited) String() string {
	if l.left == 0 {
		return l.Builder.String()
	}
	return l.Builder.String() + fmt.Sprintf(leftOut, l.left)
}

func markedVerdict(word string) string {
	mark := map[string]string{"pass": "✅", "fail": "❌", "FAIL": "❌", "unknown": "❔", "skipped": "⏭️", "n/a": "➖"}[word]
	return mark + " " + strings.ToLower(word)
}

// markdownTrials are the distributions over the trials of a scenario.
func markdownTrials(r Results) string {
	columns := []string{"n", "min", "p50", "p95", "p99", "max"}
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n| time | %s |\n|---|--:|--:|--:|--:|--:|--:|\n", escape(overTrials(r)), strings.Join(columns, " | "))
	for _, name := range timed(r) {
		texts := map[string]string{"p99": "–"}
		for _, c := range distribution(r.Metrics[name]) {
			texts[c.name] = escape(c.text)
		}
		fmt.Fprintf(&b, "| %s |", escape(name))
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", texts[c])
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for _, g := range counted(r) {
		fmt.Fprintf(&b, "- %s: %s\n", escape(g.Metric), escape(g.Observed))
	}
	return b.String()
}

func markdownDetails(r Results) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s %s\n\nseed %d\n\n", markedVerdict(verdictWord(r)), escape(r.Scenario), r.Seed)
	for _, why := range r.Why {
		fmt.Fprintf(&b, "- %s\n", escape(why))
	}
	b.WriteString("\n| gate | verdict | observed | why |\n|---|---|---|---|\n")
	for _, g := range r.Gates {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(g.Gate), markedVerdict(g.Verdict.String()), escape(g.Observed), escape(g.Why))
	}
	for _, g := range r.Gates {
		if lines := eventLines(g); len(lines) > 0 {
			fmt.Fprintf(&b, "\n<details><summary>Events around %s</summary>\n\n", escape(g.Gate))
			for _, line := range lines {
				fmt.Fprintf(&b, "    %s\n", line.text) // indented is code, whatever is in it
			}
			b.WriteString("\n</details>\n")
		}
	}
	if list := wanting(r); len(list) > 0 {
		b.WriteString("\n")
		for _, t := range list {
			fmt.Fprintf(&b, "- trial %d of %d, seed %d: %s %s; repeat: %s\n", t.Trial, len(r.Trials), t.Seed, t.Verdict, escape(t.what()), code(t.Repeat))
		}
	}
	if r.Repeat != "" {
		fmt.Fprintf(&b, "\nRepeat: %s\n", code(r.Repeat))
	}
	return b.String()
}

// escape keeps a text from being read as Markdown, HTML or a new cell.
func escape(text string) string {
	return strings.NewReplacer(
		"&", "&amp;", "<", "&lt;", ">", "&gt;", "|", "\\|", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[",
	).Replace(clean(text))
}

// code is a text in a code span that fits in a table's cell.
func code(text string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(clean(text)) + "`"
}
