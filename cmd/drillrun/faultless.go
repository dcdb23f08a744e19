package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// faultless drills a scenario with its faults taken out, once. Beside the gates of a
// system that does its work, those on the metric hold that bound it from above.
func (s *series) faultless(ctx context.Context, script catalog.Script, metric string) (reports.Results, error) {
	lines := prove.Unharmed()
	for _, g := range script.Gates {
		if line := upperBound(g); g.Metric.Name == metric && line != "" && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	calm, err := script.WithoutFaults(lines)
	if err != nil {
		return reports.Results{}, err
	}
	results, err := s.one(ctx, calm, 1)
	if results.Run != "" { // its script is nowhere but there
		calm.Ref = filepath.Join(results.Run, runner.ScenarioFile)
		results.Repeat = s.options.repeat(calm, results.Seed)
	}
	return results, err
}

// upperBound is what a gate asks of its metric at the most; empty where it asks for
// something to happen, which may need a fault.
func upperBound(g gates.Gate) string {
	switch {
	case g.Aggregate == "n" || g.Op == ">" || g.Op == ">=" || g.Op == "!=":
		return ""
	case g.Op == "==" && g.Bound > 0:
		return strings.Replace(g.Text, "==", "<=", 1)
	}
	return g.Text
}

// faultless are the scenarios that break nothing by themselves.
func faultless(scripts map[string]catalog.Script) (names []string) {
	for name, s := range scripts {
		if s.Faultless() {
			names = append(names, name)
		}
	}
	return names
}

// gateOf is the metric that names a defect's symptom.
func gateOf(all []prove.Defect, name string) string {
	for _, d := range all {
		if d.Name == name {
			return d.Gate
		}
	}
	return ""
}
