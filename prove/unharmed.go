package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// works is the gate of a system that does its work, which every system can show.
const works = "lost == 0"

// Unharmed are the gates that a system must keep in any scenario once its faults are
// taken out. The first it must pass; what the others need, not every system tells.
// None of them is about times, so that a short drill is enough.
func Unharmed() []string {
	return []string{works, "duplicates == 0", "stuck == 0", "dead_letters == 0"}
}

// bystander judges a drill of a defect in which nothing was broken. It shows the
// defect or it does not; any other failure says that the system is broken in
// another way, so that a drill that accuses it has not caught the defect.
func bystander(d Defect) judge {
	return func(r reports.Results) (reports.Finding, string) {
		if len(r.Why) > 0 || r.Skipped+r.Inapplicable != "" {
			return reports.Unclear, doubts(r)
		}
		all := failed(r)
		if slices.Contains(all, d.Gate) && d.ShowsInCalm {
			return reports.Shows, ""
		}
		if len(all) > 0 {
			return reports.Accused, strings.Join(all, ", ") + " failed, and nothing had been broken"
		}
		for _, g := range r.Gates {
			if g.Gate == works && g.Verdict == gates.Unknown {
				return reports.Unclear, g.Gate + ": " + g.Why
			}
		}
		if !slices.ContainsFunc(r.Gates, func(g reports.Gate) bool { return g.Verdict == gates.Pass }) {
			return reports.Unclear, "no gate passed"
		}
		return reports.Clean, ""
	}
}

// spare drills a defect in the scenario that has caught it, without the faults. It
// returns nil where there is nothing to take out, and says what that means for the
// catch: a finding other than Caught, and why.
func (p *proof) spare(ctx context.Context, d Defect, scenario string) (calm *reports.Attempt, found reports.Finding, why string) {
	if slices.Contains(p.Faultless, scenario) {
		if !d.ShowsInCalm {
			return nil, reports.Unclear, fmt.Sprintf("%s breaks nothing, and the defect is not declared to show without a fault", scenario)
		}
		return nil, reports.Caught, ""
	}
	drill := Drill{Defect: d.Name, Scenario: scenario, Faultless: true}
	a := p.attempts(ctx, drill, 1, bystander(d))
	if a.Finding == reports.Unclear { // it says nothing, and is soon done again
		a = p.attempts(ctx, drill, 1, bystander(d))
	}
	switch a.Finding {
	case reports.NotRun:
		return &a, reports.NotRun, "not yet held against the scenario without its faults"
	case reports.Shows, reports.Clean:
		return &a, reports.Caught, ""
	}
	return &a, reports.Unclear, "without faults: " + a.Tries[0].Why
}
