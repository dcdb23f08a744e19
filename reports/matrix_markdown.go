package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// MatrixMarkdown writes the matrix for a GitHub step summary: one column a gate
// that names a symptom or failed, with the trials in which it did.
func MatrixMarkdown(w io.Writer, m Matrix) error {
	var b limited
	b.add(fmt.Sprintf("## Proof: %s\n\n%s\n\n", markedVerdict(m.Verdict.String()), escape(strings.Join(m.summary(), " "))))
	b.add("In how many trials which gate failed; bold is the gate that names the defect's symptom.\n\n")
	columns := m.columns()
	b.add("| defect | drill | " + strings.Join(columns, " | ") + " | time to catch | without faults | verdict |\n|---|---|" +
		strings.Repeat(":-:|", len(columns)) + "--:|---|---|\n")
	for _, p := range m.Defects {
		cells := []string{code(p.Defect), escape(orDash(p.decisive().Scenario))}
		for _, metric := range columns {
			cells = append(cells, p.cell(metric))
		}
		b.add("| " + strings.Join(append(cells, p.timeToCatch(), p.calm(), markedFinding(p.Told())), " | ") + " |\n")
	}
	b.add("\n| sound system in | clean | verdict |\n|---|--:|---|\n")
	for _, a := range m.Sound {
		b.add(fmt.Sprintf("| %s | %s | %s |\n", escape(a.Scenario), a.share(Clean), markedFinding(a.Told())))
	}
	for _, p := range m.Defects {
		for _, a := range p.Attempts {
			b.add(markdownObjections(code(p.Defect), a, Caught))
		}
		if p.Why != "" {
			b.add(fmt.Sprintf("\n%s, caught by %s: %s. %s\n", code(p.Defect), escape(p.By), markedFinding(p.Finding), escape(p.Why)))
		}
	}
	for _, a := range m.Sound {
		b.add(markdownObjections("The sound system", a, Clean))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write Markdown: %w", err)
	}
	return nil
}

// columns are the metrics that name a symptom or failed, sorted.
func (m Matrix) columns() []string {
	var metrics []string
	for _, p := range m.Defects {
		metrics = append(append(metrics, p.Gate), p.alsoFailed()...)
	}
	slices.Sort(metrics)
	return slices.Compact(metrics)
}

// cell says in how many trials the gates of a metric failed.
func (p Proof) cell(metric string) string {
	tries := p.decisive().Tries
	failed := 0
	for _, t := range tries {
		if slices.Contains(t.Failed, metric) {
			failed++
		}
	}
	switch {
	case metric == p.Gate && len(tries) > 0:
		return fmt.Sprintf("**%d/%d**", failed, len(tries))
	case failed > 0:
		return fmt.Sprintf("%d/%d", failed, len(tries))
	}
	return ""
}

func markedFinding(f Finding) string {
	mark, _, _ := strings.Cut(markedVerdict(f.Verdict().String()), " ")
	return mark + " " + string(f)
}

func markdownObjections(who string, a Attempt, want Finding) string {
	var b strings.Builder
	for i, t := range a.Tries {
		if t.Finding != want {
			fmt.Fprintf(&b, "\n%s in %s, trial %d: %s. %s\nRepeat: %s\n",
				who, escape(a.Scenario), i+1, markedFinding(t.Finding), escape(t.Why), code(t.Repeat))
		}
	}
	return b.String()
}
