package reports

import (
	"fmt"
	"strings"
)

// costs are the metrics that tell what it took to keep the promises: not wrong
// in themselves, and worth a line even where everything passed.
var costs = []struct{ metric, words string }{
	{"redeliveries", "effects repeated and known by their key"},
	{"republished", "entries published again"},
}

// costs has a line for each scenario in which there were any.
func (p *page) costs(runs []Results) {
	var lines []string
	for _, r := range runs {
		var parts []string
		for _, c := range costs {
			if v := r.Metrics[c.metric].Value; v != nil && *v > 0 {
				parts = append(parts, fmt.Sprintf("%.0f %s", *v, c.words))
			}
		}
		if len(parts) > 0 {
			lines = append(lines, p.ansi("2", clean(r.Scenario)+": "+strings.Join(parts, ", ")))
		}
	}
	if len(lines) == 0 {
		return
	}
	p.line("")
	for _, l := range lines {
		p.line(l)
	}
}
