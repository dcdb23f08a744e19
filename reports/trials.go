package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// distributions shows the times of a scenario over its trials. A quantile is
// printed with its n, and p99 only where there are samples enough.
func (p *page) distributions(r Results) {
	p.line("")
	p.line(fmt.Sprintf("%s over %d trials", clean(r.Scenario), len(r.Trials)))
	columns := 12
	for name := range r.Metrics {
		columns = max(columns, width(name))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		if m := r.Metrics[name]; m.Times.Len() > 0 {
			p.line("  " + pad(name, columns) + "  " + distribution(m.Times))
		}
	}
}

func distribution(times gates.Times) string {
	cells := []string{fmt.Sprintf("n %d", times.Len())}
	at := func(name string, q float64) {
		cells = append(cells, name+" "+gates.FormatDuration(times.Quantile(q)))
	}
	at("min", 0)
	at("p50", 0.5)
	if lo, hi, ok := medianInterval(times); ok {
		cells[len(cells)-1] += fmt.Sprintf(" (95%%: %s to %s)", gates.FormatDuration(lo), gates.FormatDuration(hi))
	}
	at("p95", 0.95)
	if times.Len() >= gates.P99Samples {
		at("p99", 0.99)
	}
	at("max", 1)
	return strings.Join(cells, "  ")
}

// trials lists the trials that did not pass.
func (p *page) trials(r Results) {
	for _, t := range r.Trials {
		if t.Verdict == gates.Pass || t.Verdict == gates.NotApplicable {
			continue
		}
		what := strings.Join(t.Failed, ", ")
		if what == "" {
			what = strings.Join(t.Why, "; ")
		}
		p.line(fmt.Sprintf("  trial %d of %d, seed %d: %s  %s", t.Trial, len(r.Trials), t.Seed, p.paint(t.Verdict, t.Verdict.String()), clean(what)))
	}
}

// summary counts the scenarios by what became of them.
func summary(d Document) string {
	counts := map[string]int{}
	took := Millis(0)
	for _, r := range d.Runs {
		counts[verdictWord(r)]++
		took += r.Took
	}
	text := "1 scenario"
	if len(d.Runs) != 1 {
		text = fmt.Sprintf("%d scenarios", len(d.Runs))
	}
	separator := ": "
	for _, c := range []struct{ word, told string }{
		{"pass", "passed"}, {"FAIL", "failed"}, {"unknown", "unknown"}, {"skipped", "skipped"}, {"n/a", "not applicable"},
	} {
		if n := counts[c.word]; n > 0 {
			text += fmt.Sprintf("%s%d %s", separator, n, c.told)
			separator = ", "
		}
	}
	if took > 0 {
		text += " in " + gates.FormatDuration(took.Duration())
	}
	return text + ". Verdict: " + d.Verdict.String()
}
