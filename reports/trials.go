package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// distributions shows what a scenario was measured to do over its trials: the
// times, then the counts and shares that its gates judge.
func (p *page) distributions(r Results) {
	p.line("")
	p.line(overTrials(r))
	columns := 12
	for name := range r.Metrics {
		columns = max(columns, width(name))
	}
	for _, name := range timed(r) {
		var cells []string
		for _, c := range distribution(r.Metrics[name]) {
			cells = append(cells, c.name+" "+c.text)
		}
		p.line("  " + pad(name, columns) + "  " + strings.Join(cells, "  "))
	}
	for _, g := range counted(r) {
		p.line("  " + pad(g.Metric, columns) + "  " + clean(g.Observed))
	}
}

func overTrials(r Results) string {
	return fmt.Sprintf("%s over %d trials", clean(r.Scenario), len(r.Trials))
}

// timed are the metrics that have samples of time, sorted.
func timed(r Results) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		if r.Metrics[name].Times.Len() > 0 {
			names = append(names, name)
		}
	}
	return names
}

// counted are the gates on counts and shares, one a metric, where something was
// observed: over several trials that says what it is worth.
func counted(r Results) (list []Gate) {
	for _, g := range r.Gates {
		told := slices.ContainsFunc(list, func(other Gate) bool { return other.Metric == g.Metric })
		if m := r.Metrics[g.Metric]; m.Unit != gates.Duration && g.Observed != "" && !told {
			list = append(list, g)
		}
	}
	return list
}

// cell is one number of a distribution.
type cell struct{ name, text string }

// distribution is that of a time. A quantile is printed with its n, and p99 only
// where there are samples enough. What never ended counts as longer than it was
// waited for.
func distribution(m Metric) []cell {
	times := m.known()
	n := fmt.Sprint(times.Len())
	if never := m.never(); never > 0 {
		n += fmt.Sprintf(", %d of them never", never)
	}
	cells := []cell{{"n", n}, {"min", between(times.Interval(0))}, quantile(times, "p50", 0.5), quantile(times, "p95", 0.95)}
	if times.Len() >= gates.P99Samples {
		cells = append(cells, quantile(times, "p99", 0.99))
	}
	return append(cells, cell{"max", between(times.Interval(1))})
}

// quantile is one with its confidence interval, as far as there is one.
func quantile(times gates.Times, name string, q float64) cell {
	text := between(times.Interval(q))
	lo, hi, ok := quantileInterval(times, q)
	switch {
	case ok && hi == gates.Never:
		text += fmt.Sprintf(" (95%%: over %s)", gates.FormatDuration(lo))
	case ok:
		text += fmt.Sprintf(" (95%%: %s to %s)", gates.FormatDuration(lo), gates.FormatDuration(hi))
	}
	return cell{name, text}
}

// between tells a time that is known as an interval.
func between(best, worst time.Duration) string {
	switch worst {
	case best:
		return gates.FormatDuration(best)
	case gates.Never:
		return "> " + gates.FormatDuration(best)
	}
	return gates.FormatDuration(best) + " to " + gates.FormatDuration(worst)
}

// trials lists the trials that did not pass, each with the command that repeats
// exactly that one.
func (p *page) trials(r Results) {
	for _, t := range wanting(r) {
		p.line(fmt.Sprintf("  trial %d of %d, seed %d: %s  %s", t.Trial, len(r.Trials), t.Seed, p.paint(t.Verdict, t.Verdict.String()), t.what()))
		p.line("           " + p.ansi("2", "repeat:") + " " + clean(t.Repeat))
	}
}

// wanting are the trials that did not pass.
func wanting(r Results) (list []Trial) {
	for _, t := range r.Trials {
		if t.Verdict != gates.Pass && t.Verdict != gates.NotApplicable {
			list = append(list, t)
		}
	}
	return list
}

// what is wrong with a trial.
func (t Trial) what() string {
	if len(t.Failed) > 0 {
		return clean(strings.Join(t.Failed, ", "))
	}
	return clean(strings.Join(t.Why, "; "))
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
	if variants := variants(d.Runs); len(variants) > 0 {
		text += " of " + strings.Join(variants, "; ")
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

// variants are the systems that were drilled with options: what a defective one
// shows must never be taken for the sound one's.
func variants(runs []Results) (systems []string) {
	for _, r := range runs {
		if len(r.Options) > 0 && !slices.Contains(systems, r.System) {
			systems = append(systems, r.System)
		}
	}
	return systems
}
