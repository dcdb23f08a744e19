package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// Place says where a drill was run from; both may be empty.
type Place struct {
	Run    string // the run's folder
	Repeat string // the command that does it again
}

// Build makes the results of one drill. Where a gate failed it reads the
// history once more, as far as the events around the evidence.
func Build(src gates.Source, j gates.Judgement, place Place) Results {
	h := src.Header()
	r := Results{
		Schema: Schema, Verdict: j.Verdict, Scenario: h.Scenario, Seed: h.Seed, Trial: h.Trial,
		System: h.Drilled(), Options: h.Options, Substrate: h.Substrate, Replicas: h.Replicas, Started: h.Started,
		Took: NewMillis(j.Took), Events: j.Events, Run: place.Run, Repeat: place.Repeat, Why: slices.Clone(j.Why),
		Version: h.Versions["drillrun"], Digest: h.Digest,
		Gates: []Gate{}, Metrics: map[string]Metric{}, Faults: []Fault{},
	}
	for _, g := range j.Results {
		r.Gates = append(r.Gates, Gate{
			Gate: g.Gate, Metric: g.Metric, Verdict: g.Verdict, Observed: g.Observed, Why: g.Why, Proved: g.Proved,
			Evidence: append([]uint64{}, g.Evidence...),
		})
	}
	for name, m := range j.Measurements {
		r.Metrics[name] = newMetric(m)
		if why := missing(m); why != "" {
			if r.Missing == nil {
				r.Missing = map[string]string{}
			}
			r.Missing[name] = why
		}
	}
	for _, life := range j.Faults {
		r.Faults = append(r.Faults, newFault(life))
	}
	if err := excerpts(src, r.Gates); err != nil {
		r.Why = append(r.Why, fmt.Sprintf("the events around the evidence cannot be shown: %v", err))
	}
	return r
}

func missing(m gates.Measured) string {
	if m.Inapplicable != "" {
		return "n/a: " + m.Inapplicable
	}
	return m.Missing
}

func newFault(l *gates.FaultLife) Fault {
	at := func(m gates.Moment) *Millis {
		if !m.Happened() {
			return nil
		}
		ms := NewMillis(m.At)
		return &ms
	}
	return Fault{
		Fault: l.Detail.Fault, Victim: strings.Join(l.Detail.Victims, ", "), State: l.State(),
		BegunAt: at(l.Begun), InEffectAt: at(l.InEffect), RecoveredAt: at(l.Healed),
		Evidence: l.Evidence, Doubt: l.Doubt(),
	}
}
