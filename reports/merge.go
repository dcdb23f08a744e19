package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// Merge makes one result of several trials of a scenario.
//
// Samples are pooled and counts summed; of levels the highest is kept, and
// rates are those of all their seconds. A gate line is judged anew: a quantile
// over the pooled samples, which may be many enough only now; any other line
// fails if it failed in any trial, and passes if it passed in each. That goes for
// a number of samples too: it is there so that no trial passes on few of them. A doubt about one trial keeps every line from passing. Trials
// that did not run are left out, unless none did.
func Merge(all []Results) Results {
	var trials []Results
	for _, r := range all {
		if r.ran() {
			trials = append(trials, r)
		}
	}
	switch {
	case len(all) == 0:
		return Results{Schema: Schema}
	case len(trials) == 0:
		return all[0]
	case len(trials) == 1:
		return trials[0]
	}
	merged := trials[0]
	merged.Run, merged.Took, merged.Events, merged.Why, merged.Trial = "", 0, 0, nil, 0
	merged.Seal, merged.Remarks = "", nil
	if merged.Repeat != "" { // the first trial has the seed from which the others draw theirs
		merged.Repeat += fmt.Sprintf(" --trials %d", len(trials))
	}
	merged.Faults = []Fault{}
	for _, t := range trials {
		merged.Took += t.Took
		merged.Events += t.Events
		merged.Faults = append(merged.Faults, t.Faults...)
		for _, remark := range t.Remarks {
			if !slices.Contains(merged.Remarks, remark) {
				merged.Remarks = append(merged.Remarks, remark)
			}
		}
		for _, why := range t.Why {
			merged.Why = append(merged.Why, fmt.Sprintf("seed %d: %s", t.Seed, why))
		}
	}
	merged.Metrics, merged.Missing = mergeMetrics(trials)
	merged.ZeroBelow = zeroBounds(merged.Metrics, len(trials))
	merged.Gates = []Gate{}
	pooled := map[string]gates.Gate{}
	var verdicts []gates.Verdict
	for _, g := range trials[0].Gates {
		if p, ok := poolable(g, merged.Metrics[g.Metric]); ok {
			pooled[g.Gate] = p
		}
		one := mergeGate(trials, g.Gate, merged, pooled)
		merged.Gates = append(merged.Gates, one)
		verdicts = append(verdicts, one.Verdict)
	}
	merged.Verdict = gates.Worst(verdicts...)
	merged.Trials = mergeTrials(trials, pooled)
	return merged
}

// poolable compiles a line that is to be judged over pooled samples.
func poolable(g Gate, m Metric) (gates.Gate, bool) {
	compiled, err := gates.Compile(g.Gate, map[string]gates.Metric{g.Metric: {Name: g.Metric, Unit: m.Unit}})
	if err != nil { // a line of another version of drillrun: judged by its trials
		return gates.Gate{}, false
	}
	return compiled, compiled.Aggregate != "" && compiled.Aggregate != "max" && compiled.Aggregate != "n"
}

func mergeMetrics(trials []Results) (metrics map[string]Metric, reasons map[string]string) {
	metrics, reasons = map[string]Metric{}, map[string]string{}
	for name := range names(trials) {
		sum, unknown, why := Metric{}, 0, ""
		var times, best []gates.Times
		var waited []time.Duration
		for _, t := range trials {
			m, measured := t.Metrics[name]
			reason := t.Missing[name]
			if !measured {
				reason = "not measured"
			}
			if reason != "" {
				unknown, why = unknown+1, reason
			}
			sum = sum.plus(m)
			times, best = append(times, m.Times), append(best, m.atBest())
			sum.whyBest, sum.vain = cmp.Or(sum.whyBest, m.whyBest), cmp.Or(sum.vain, m.vain)
			waited = append(waited, m.Waited...)
		}
		slices.Sort(waited)
		sum.Times, sum.Waited = gates.Pool(times...), waited
		if sum.whyBest != "" {
			sum.best = gates.Pool(best...)
		}
		switch {
		case unknown == len(trials):
			reasons[name] = why
		case unknown > 0:
			reasons[name] = fmt.Sprintf("in %d of %d trials: %s", unknown, len(trials), why)
		}
		if unknown > 0 && sum.Unit != gates.Duration {
			sum.Value = nil // a sum of what is known would look like the whole
		}
		metrics[name] = sum
	}
	return metrics, reasons
}

// zeroBounds are those of the counts that stayed zero.
func zeroBounds(metrics map[string]Metric, trials int) map[string]float64 {
	bounds := map[string]float64{}
	for name, m := range metrics {
		if m.Unit == gates.Count && m.Value != nil && *m.Value == 0 {
			bounds[name] = zeroBound(trials)
		}
	}
	return bounds
}

// names are the metrics that any trial measured.
func names(trials []Results) map[string]struct{} {
	all := map[string]struct{}{}
	for _, t := range trials {
		for name := range t.Metrics {
			all[name] = struct{}{}
		}
	}
	return all
}

// plus adds two metrics of one unit, but for their times; a zero Metric adds
// nothing.
func (m Metric) plus(other Metric) Metric {
	sum := Metric{Unit: max(m.Unit, other.Unit), N: m.N + other.N, Value: m.Value, whyBest: m.whyBest, vain: m.vain}
	if other.Value == nil {
		return sum
	}
	value := *other.Value
	switch {
	case m.Value != nil && m.Unit == gates.Share:
		value = (*m.Value*float64(m.N) + value*float64(other.N)) / float64(sum.N)
	case m.Value != nil && m.Unit == gates.Rate: // of all their seconds
		value = float64(sum.N) / (float64(m.N) / *m.Value + float64(other.N)/value)
	case m.Value != nil && sum.Unit == gates.Level:
		value = max(value, *m.Value)
	case m.Value != nil:
		value += *m.Value
	}
	sum.Value = &value
	return sum
}

// gate is the line's verdict in a trial.
func (r Results) gate(line string) Gate {
	for _, g := range r.Gates {
		if g.Gate == line {
			return g
		}
	}
	return Gate{Gate: line, Why: "this line was not judged", Evidence: []uint64{}}
}

// mergeGate judges a line over all trials.
func mergeGate(trials []Results, line string, merged Results, pooled map[string]gates.Gate) Gate {
	worst, g := trials[0], trials[0].gate(line)
	counts := map[gates.Verdict]int{}
	for _, t := range trials {
		other := t.gate(line)
		counts[other.Verdict]++
		if other.Verdict != g.Verdict && gates.Worst(other.Verdict, g.Verdict) == other.Verdict {
			worst, g = t, other
		}
	}
	metric := merged.Metrics[g.Metric]
	if p, ok := pooled[g.Gate]; ok && g.Verdict != gates.NotApplicable {
		return mergePooled(p, g.Line, merged)
	}
	g.Observed = mergedObserved(g, metric, trials)
	switch g.Verdict {
	case gates.Fail, gates.Unknown:
		g.Repeat = worst.Repeat
		g.Why = strings.TrimSuffix(fmt.Sprintf("%s in %d of %d trials, as with seed %d: %s",
			g.Verdict, counts[g.Verdict], len(trials), worst.Seed, g.Why), ": ")
	case gates.Pass:
		g.Why, g.Evidence = "", []uint64{} // those of one trial say little of all
	}
	return g
}

func mergePooled(p gates.Gate, line int, merged Results) Gate {
	r := p.Judge(merged.Metrics[p.Metric.Name].measurement())
	g := Gate{Gate: r.Gate, Line: line, Metric: r.Metric, Verdict: r.Verdict, Observed: r.Observed, Why: r.Why, Evidence: []uint64{}}
	if g.Verdict == gates.Pass && len(merged.Why) > 0 {
		g.Verdict, g.Why = gates.Unknown, merged.Why[0]
	}
	why := cmp.Or(merged.Missing[g.Metric], merged.Metrics[g.Metric].vain)
	if g.Verdict == gates.Pass && why != "" {
		g.Verdict, g.Why = gates.Unknown, why
	}
	return g
}

// mergedObserved is what was seen over all trials, with what it is worth.
func mergedObserved(g Gate, m Metric, trials []Results) string {
	switch {
	case g.Verdict == gates.NotApplicable:
		return ""
	case counts(g):
		return samples(trials, g.Metric)
	case m.Unit == gates.Duration && m.Times.Len() > 0:
		return fmt.Sprintf("%s (max of %d)", between(m.Times.Interval(1)), m.Times.Len())
	case m.Value == nil:
		return g.Observed
	case m.Unit == gates.Share:
		return fmt.Sprintf("%s of %d", gates.FormatShare(*m.Value), m.N)
	case m.Unit == gates.Rate:
		return fmt.Sprintf("%s in %d trials", gates.FormatRate(*m.Value), len(trials))
	case m.Unit == gates.Level:
		return fmt.Sprintf("%s in %d trials", levels(trials, g.Metric), len(trials))
	case *m.Value == 0:
		return fmt.Sprintf("0 in %d trials: below %.2g%% at 95%%", len(trials), 100*zeroBound(len(trials)))
	}
	return fmt.Sprintf("%.0f in %d trials, worst %s", *m.Value, len(trials), worstObserved(trials, g.Metric))
}

// counts says whether the line bounds the number of samples.
func counts(g Gate) bool { return strings.HasPrefix(g.Gate, g.Metric+".n ") }

// samples is how many there were of each trial.
func samples(trials []Results, metric string) string {
	var n []int
	for _, t := range trials {
		n = append(n, t.Metrics[metric].N)
	}
	least, most := slices.Min(n), slices.Max(n)
	if least == most {
		return fmt.Sprintf("%d samples in each of %d trials", most, len(trials))
	}
	return fmt.Sprintf("%d to %d samples in %d trials", least, most, len(trials))
}

// levels is the range of what the trials saw.
func levels(trials []Results, metric string) string {
	var seen []float64
	for _, t := range trials {
		if v := t.Metrics[metric].Value; v != nil {
			seen = append(seen, *v)
		}
	}
	least, most := slices.Min(seen), slices.Max(seen)
	if least == most {
		return fmt.Sprintf("%.0f", most)
	}
	return fmt.Sprintf("%.0f to %.0f", least, most)
}

func worstObserved(trials []Results, metric string) string {
	worst := 0.0
	for _, t := range trials {
		if v := t.Metrics[metric].Value; v != nil {
			worst = max(worst, *v)
		}
	}
	return fmt.Sprintf("%.0f", worst)
}

// mergeTrials lists the trials. What is judged over all of them is neither a
// failure nor a success of one.
func mergeTrials(trials []Results, pooled map[string]gates.Gate) (list []Trial) {
	for i, t := range trials {
		one := Trial{Trial: cmp.Or(t.Trial, i+1), Seed: t.Seed, Why: t.Why, Run: t.Run, Repeat: t.Repeat, Seal: t.Seal}
		var verdicts []gates.Verdict
		for _, g := range t.Gates {
			v := g.Verdict
			if _, ok := pooled[g.Gate]; ok && v != gates.NotApplicable {
				v = gates.Pass
				if len(t.Why) > 0 || t.Missing[g.Metric] != "" || t.Metrics[g.Metric].vain != "" {
					v = gates.Unknown
				}
			}
			verdicts = append(verdicts, v)
			if v == gates.Fail {
				one.Failed = append(one.Failed, g.Gate)
			}
		}
		one.Verdict = gates.Worst(verdicts...)
		list = append(list, one)
	}
	return list
}
