package gates

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// judge holds one gate against its measurement, with what is known of the whole
// record: no gate passes in doubt, none fails over what the rest of the drill could
// have mended or the harness may have caused, and none gives a verdict on a record
// that cannot be believed.
func (r *record) judge(g Gate, m Measured, doubts []string) Result {
	result := Result{Gate: g.Text, Metric: g.Metric.Name}
	if r.broken != "" { // not even what the system promises
		result.Why = strings.Join(doubts, "; ")
		return result
	}
	if m.Inapplicable != "" {
		result.Verdict, result.Why = NotApplicable, m.Inapplicable
		return result
	}
	read := g.read(m.Measurement)
	r.widenByStalls(g, m.Measurement, &read)
	if r.cutShort() != "" && !m.Final {
		g.widenByTheRest(&read, r.cutShort())
	}
	result = g.conclude(read)
	switch {
	case result.Verdict == Pass && len(doubts) > 0:
		result.Verdict, result.Why = Unknown, strings.Join(doubts, "; ")
	case result.Verdict == Fail && !g.Metric.Act:
		if excuses := r.excuses(g, m.Measurement); len(excuses) > 0 {
			result.Verdict, result.Why = Unknown, strings.Join(excuses, "; ")
		}
	}
	return result
}

// cutShort says why the record has a part of the drill only; empty where it has
// all of it.
func (r *record) cutShort() string {
	switch {
	case !r.ended:
		return "the record ends before the drill does"
	case r.early != "":
		return "the script was not followed: " + r.early
	}
	return ""
}

// widenByTheRest has a reading take in whatever the rest of the drill might have
// made of it. A number of things, and a longest time, can only grow; a shortest
// time can only shrink; a share, a rate or a quantile can go either way.
func (g Gate) widenByTheRest(r *reading, why string) {
	if r.missing == "" {
		r.missing = why
	}
	switch {
	case g.unit() == Count || g.unit() == Level || g.Aggregate == "max":
		r.hi = math.Inf(1)
	case g.Aggregate == "min":
		r.lo = 0
	default:
		r.lo, r.hi = 0, math.Inf(1)
	}
}

// widenByStalls takes off what the harness itself may have added to a time, and
// leaves a share or a rate open by the part of its window that the harness missed.
func (r *record) widenByStalls(g Gate, m Measurement, read *reading) {
	if read.missing != "" && math.IsInf(read.lo, -1) {
		return // nothing was measured
	}
	switch {
	case g.unit() == Duration:
		if len(m.Samples) > 0 {
			read.lo = min(read.lo, nanoseconds(r.shortest(g, m)))
		}
	case g.unit() == Share || g.unit() == Rate:
		whole := m.Spans.To - m.Spans.From
		stalled := r.stalls.Within(m.Spans)
		if whole <= 0 || stalled == 0 {
			return
		}
		part := float64(stalled) / float64(whole)
		if g.unit() == Share {
			read.lo, read.hi = max(0, read.lo-part), min(1, read.hi+part)
		} else {
			read.hi /= max(1-part, math.SmallestNonzeroFloat64)
		}
	default:
		return
	}
	if read.missing == "" {
		read.missing = r.stalls.tell()
	}
}

// shortest is the gate's aggregate of the samples, with the stalls taken out.
func (r *record) shortest(g Gate, m Measurement) time.Duration {
	all := make([]time.Duration, len(m.Samples))
	for i, s := range m.Samples {
		stalled := r.stalls.Within(s.Spans)
		switch {
		case stalled > 0 && s.Took == Never:
			all[i] = max(0, s.Waited-stalled)
		default:
			all[i] = max(0, s.Took-stalled)
		}
	}
	slices.Sort(all)
	return all[rank(len(all), quantile(g.Aggregate))]
}

// tell says that the harness stood still, and for how long.
func (s *Stalls) tell() string {
	if len(s.stalls) == 0 {
		return ""
	}
	longest := slices.MaxFunc(s.stalls, func(a, b Window) int { return int(a.To - a.From - b.To + b.From) })
	return fmt.Sprintf("the harness itself stood still, for %s at the longest (until %s)",
		FormatDuration(longest.To-longest.From), FormatDuration(longest.To))
}

// excuses are the reasons why a violation that is no act of the system's may be
// the harness's doing, or that of somebody outside the drill.
func (r *record) excuses(g Gate, m Measurement) []string {
	excuses := r.troubles()
	counted := g.unit() == Count || g.unit() == Level
	if _, any := r.stalls.Disturbing(); any && counted && !m.Final {
		excuses = append(excuses, r.stalls.tell())
	}
	return excuses
}
