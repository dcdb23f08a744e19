package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/input"
)

// atRest are the metrics of what is there, or missing, once all is at rest: without a
// complete drain none of them can pass.
var atRest = []string{"dead_letters", "duplicates", "leaked", "lost", "misreported", "redeliveries", "republished", "stuck"}

// counted are those that are read from the counts of the stores.
var counted = []string{"dead_letters", "leaked", "republished", "stuck"}

// Warnings are the gates of the script that will not come to a verdict, with these
// systems or any. Each is at its line.
func (s Script) Warnings(systems ...drills.System) []error {
	var warnings []error
	for i, g := range s.Gates {
		for _, why := range s.doubts(g, systems) {
			line := s.Scenario.Gates[i]
			warnings = append(warnings, &drills.LineError{File: input.Line(s.File), Line: line.Line, Text: input.Line(line.Text), Err: why})
		}
	}
	return warnings
}

// doubts are why a gate will not come to a verdict.
func (s Script) doubts(g gates.Gate, systems []drills.System) (doubts []error) {
	if slices.Contains(atRest, g.Metric.Name) && !takes(s.Steps, "drain") {
		doubts = append(doubts, errors.New(`the script does not drain, so that this cannot pass: end it with "drain"`))
	}
	if g.Metric.Name == "misreported" && !takes(s.Steps, "read") {
		doubts = append(doubts, errors.New(`nobody is asked about jobs: write "read jobs" after "drain"`))
	}
	if n := s.faults(); g.Aggregate == "p99" && slices.Contains([]string{"failover", "recovery"}, g.Metric.Name) && n < gates.P99Samples {
		doubts = append(doubts, fmt.Errorf("a p99 needs %d samples, and the script breaks something %.0f times: run it with --trials, or ask for max", gates.P99Samples, n))
	}
	for _, system := range systems {
		if outlined, ok := system.(drills.Outlined); ok && !outlined.Outline().Inspected && slices.Contains(counted, g.Metric.Name) {
			doubts = append(doubts, fmt.Errorf("%s does not tell what is in its stores, so that this stays unknown: add \"inspect\" to its manifest, or leave the gate out", system.Name()))
		}
	}
	return doubts
}

// faults are how often the script breaks something.
func (s Script) faults() float64 {
	all := words()
	var count func([]drills.Step) float64
	count = func(steps []drills.Step) (n float64) {
		for _, step := range steps {
			switch {
			case step.Verb == "repeat":
				n += float64(step.Repeat) * count(step.Body)
			case step.Verb == "rolling-restart":
				n += float64(s.Replicas)
			case all[step.Verb].Breaks:
				n++
			}
		}
		return n
	}
	return count(s.Steps)
}
