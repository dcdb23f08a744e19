package reports

import (
	"fmt"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// remarks are what a scenario that passed does not show: the gates that do not
// apply, and what was noted beside a pass. A table of passes would hide both. The
// note on a time says which sample was the worst; that is for those who look.
func remarks(r Results) (lines []string) {
	passed := 0
	var none []string
	for _, g := range r.Gates {
		switch g.Verdict {
		case gates.Pass:
			passed++
			if g.Why != "" && r.Metrics[g.Metric].Unit != gates.Duration {
				lines = append(lines, fmt.Sprintf("%s: %s", g.Gate, g.Why))
			}
		case gates.NotApplicable:
			none = append(none, fmt.Sprintf("%s (%s)", g.Gate, g.Why))
		}
	}
	if len(none) == 0 {
		return lines
	}
	return append([]string{fmt.Sprintf("%d of %d gates passed, n/a: %s", passed, len(r.Gates), strings.Join(none, ", "))}, lines...)
}

// remarks tells those of all scenarios that passed. What did not pass has all its
// gates told.
func (p *page) remarks(runs []Results) {
	first := true
	for _, r := range runs {
		if r.Verdict != gates.Pass {
			continue
		}
		for _, line := range remarks(r) {
			if first {
				p.line("")
				first = false
			}
			p.wrapped("", r.Scenario+": "+line)
		}
	}
}

// markdownRemarks are those of one scenario that passed.
func markdownRemarks(r Results) string {
	var b strings.Builder
	for i, line := range remarks(r) {
		if i == 0 {
			fmt.Fprintf(&b, "\n%s:\n\n", escape(r.Scenario))
		}
		fmt.Fprintf(&b, "- %s\n", escape(line))
	}
	return b.String()
}
