package prove

import (
	"slices"

	"github.com/drillrun/drillrun/reports"
)

// Onto puts a proof on top of an earlier one: of the defects of that name, in
// this order, what has been found now, else what was found then; and of the bugs
// of other systems, which are in no catalogue, behind them. So a defect that is
// new, or whose drill has been sharpened, need not be proved with all the others
// again.
//
// What was found in a scenario that has changed since is stale: it stays, and counts
// for nothing. Digests are those of the scenarios of today, by name.
func Onto(earlier, now reports.Matrix, defects []string, digests map[string]string) reports.Matrix {
	whole := now
	whole.Defects, whole.Took = nil, earlier.Took+now.Took
	earlier = aged(earlier, digests)
	for _, p := range slices.Concat(earlier.Defects, now.Defects) {
		if p.Bug != nil && !slices.Contains(defects, p.Defect) {
			defects = append(slices.Clip(defects), p.Defect)
		}
	}
	for _, name := range defects {
		for _, from := range [][]reports.Proof{now.Defects, earlier.Defects} {
			i := slices.IndexFunc(from, func(p reports.Proof) bool { return p.Defect == name })
			if i >= 0 {
				whole.Defects = append(whole.Defects, from[i])
				break
			}
		}
	}
	for _, then := range earlier.Sound {
		again := func(a reports.Attempt) bool { return a.Scenario == then.Scenario }
		if !slices.ContainsFunc(now.Sound, again) {
			whole.Sound = append(whole.Sound, then)
		}
	}
	whole.Verdict = verdict(whole.Defects, whole.Sound)
	return whole
}

// aged is a copy of a proof that says which of its attempts are stale.
func aged(m reports.Matrix, digests map[string]string) reports.Matrix {
	m.Defects, m.Sound = slices.Clone(m.Defects), slices.Clone(m.Sound)
	for i := range m.Defects {
		attempts := slices.Clone(m.Defects[i].Attempts)
		age(attempts, digests)
		m.Defects[i].Attempts = attempts
	}
	age(m.Sound, digests)
	return m
}

func age(attempts []reports.Attempt, digests map[string]string) {
	for i := range attempts {
		a := &attempts[i]
		now, exists := digests[a.Scenario]
		switch {
		case a.Digest == "":
			a.Stale = "nobody knows in which version of the scenario"
		case !exists:
			a.Stale = "the scenario cannot be read any more"
		case a.Digest != now:
			a.Stale = "the scenario has changed since"
		default:
			a.Stale = ""
		}
	}
}
