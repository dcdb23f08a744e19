package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Around is how many events are shown around the evidence of a failing gate.
const Around = 10

// Place says where a drill was run from; both may be empty.
type Place struct {
	Run    string // the run's folder
	Repeat string // the command that does it again; made from the header if empty
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
	if r.Repeat == "" {
		r.Repeat = repeatCommand(h)
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

func repeatCommand(h history.Header) string {
	command := fmt.Sprintf("drillrun run %s --seed %d", h.Scenario, h.Seed)
	if h.System != "" {
		command += " --system " + h.System
	}
	for _, option := range slices.Sorted(maps.Keys(h.Options)) {
		command += " --" + option + " " + h.Options[option]
	}
	if h.Substrate != "" {
		command += " --substrate " + h.Substrate
	}
	return command
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

// excerpts gives each failing gate the events around its evidence.
func excerpts(src gates.Source, all []Gate) error {
	wanted := map[uint64][]*Gate{}
	last := uint64(0)
	for i := range all {
		if all[i].Verdict != gates.Fail {
			continue
		}
		for _, seq := range around(all[i].Evidence) {
			wanted[seq] = append(wanted[seq], &all[i])
			last = max(last, seq)
		}
	}
	if last == 0 {
		return nil
	}
	for e, err := range src.Events() {
		if err != nil || e.Seq > last {
			return err
		}
		for _, g := range wanted[e.Seq] {
			g.Events = append(g.Events, e.Clone())
		}
	}
	return nil
}

// around are the numbers of the events to show: the evidence, as far as there
// is room, and its neighbours, nearest first.
func around(evidence []uint64) []uint64 {
	var chosen []uint64
	take := func(seq uint64) {
		if len(chosen) < Around && seq > 0 && !slices.Contains(chosen, seq) {
			chosen = append(chosen, seq)
		}
	}
	for _, seq := range evidence {
		take(seq)
	}
	for d := uint64(1); len(evidence) > 0 && d <= Around; d++ {
		for _, seq := range evidence {
			take(seq - min(d, seq))
			take(seq + d)
		}
	}
	slices.Sort(chosen)
	return chosen
}
