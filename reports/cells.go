package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// columns are the metrics that tables show.
func columns() []string { return []string{"failover", "outage", "duplicates", "lost"} }

// faultsCell tells the faults of a drill in a few words: alike ones together.
func faultsCell(faults []Fault) string {
	var order []string
	count, victims := map[string]int{}, map[string][]string{}
	for _, f := range faults {
		if count[f.Fault] == 0 {
			order = append(order, f.Fault)
		}
		count[f.Fault]++
		if f.Victim != "" && !slices.Contains(victims[f.Fault], f.Victim) {
			victims[f.Fault] = append(victims[f.Fault], f.Victim)
		}
	}
	var cells []string
	for _, fault := range order {
		text := fault
		if count[fault] > 1 {
			text += fmt.Sprintf(" ×%d", count[fault])
		}
		if hit := victims[fault]; len(hit) > 0 {
			slices.Sort(hit)
			text += " → " + strings.Join(hit, ", ")
		}
		cells = append(cells, text)
	}
	return clean(strings.Join(cells, "; "))
}

// verdictWord is the verdict as tables have it.
func verdictWord(r Results) string {
	switch {
	case r.Skipped != "":
		return "skipped"
	case r.Verdict == gates.Fail:
		return "FAIL"
	}
	return r.Verdict.String()
}

// metricCell is one metric in a table. A time is the longest sample. A failover
// that never came is only told where the scenario asks about it: not every
// fault on a leader is meant to unseat it.
func metricCell(r Results, name string) string {
	m, measured := r.Metrics[name]
	switch {
	case !measured || !r.ran():
		return "–"
	case strings.HasPrefix(r.Missing[name], "n/a"):
		return "n/a"
	case m.Unit == gates.Duration && m.Times.Len() > 0:
		return durationCell(r, name, m)
	case m.Value == nil || m.Unit == gates.Duration:
		return unknownCell(r, name)
	case m.Unit == gates.Share:
		return gates.FormatShare(*m.Value)
	case m.Unit == gates.Rate:
		return gates.FormatRate(*m.Value)
	}
	text := fmt.Sprintf("%.0f", *m.Value)
	if r.Missing[name] != "" {
		text = "≥ " + text
	}
	return text
}

func durationCell(r Results, name string, m Metric) string {
	longest, open := m.longest()
	if longest == gates.Never && !asked(r, name) {
		return "–"
	}
	text := gates.FormatDuration(longest)
	if open {
		text = "> " + text
	}
	return text
}

// unknownCell is a question mark where the scenario asked, and a dash where it
// did not.
func unknownCell(r Results, name string) string {
	if asked(r, name) {
		return "?"
	}
	return "–"
}

func asked(r Results, metric string) bool {
	return slices.ContainsFunc(r.Gates, func(g Gate) bool { return g.Metric == metric })
}
