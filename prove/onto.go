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
func Onto(earlier, now reports.Matrix, defects []string) reports.Matrix {
	whole := now
	whole.Defects, whole.Took = nil, earlier.Took+now.Took
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
