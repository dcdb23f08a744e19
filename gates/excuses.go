package gates

import (
	"math"
	"slices"
	"strings"
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
	r.raise(g, m.Measurement, &read)
	if r.cutShort() != "" && !m.Final {
		g.widenByTheRest(&read, r.cutShort(), m.WhyBest)
	}
	result = g.conclude(read)
	switch {
	case result.Verdict == Pass && len(doubts) > 0:
		result.Verdict, result.Why = Unknown, strings.Join(doubts, "; ")
	case result.Verdict == Pass && m.Vain != "":
		result.Verdict, result.Why = Unknown, m.Vain
	case result.Verdict == Fail && !g.Metric.Act:
		if excuses := r.excuses(g, m.Measurement); len(excuses) > 0 {
			result.Verdict, result.Why = Unknown, strings.Join(excuses, "; ")
		}
	}
	result.Proved = result.Verdict == Fail && r.proves(g, m.Measurement)
	return result
}

// excuses are the reasons why a violation that is no act of the system's may be
// the harness's doing, or that of somebody outside the drill.
func (r *record) excuses(g Gate, m Measurement) []string {
	excuses := r.struck(g, m)
	if why := r.stallsExcuse(g, m); why != "" {
		excuses = append(excuses, why)
	}
	return excuses
}

// proves says whether a violation stands in spite of all doubts about the drill. An
// act of the system does, and what is missing for good. Any other does where nothing
// but the rest of the script is missing, which it has been held against already
// (widenByTheRest), and only if something had been broken before the script ended:
// where nothing was, the drill has shown nothing of what it is for.
func (r *record) proves(g Gate, m Measurement) bool {
	if g.Metric.Act || m.Final {
		return true
	}
	bitten := slices.ContainsFunc(r.faults.Lives(), func(l *FaultLife) bool { return l.InEffect.Happened() })
	return len(r.disturbed()) == 0 && (bitten || r.cutShort() == "")
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
func (g Gate) widenByTheRest(r *reading, why, lesser string) {
	if r.missing == "" || r.missing == lesser {
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
