package prove

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

// judge draws a finding from the results of a drill, and says why where it is
// not the one that was hoped for.
type judge func(reports.Results) (finding reports.Finding, why string)

// accuser judges a drill of a defect whose symptom that metric names. Where the
// drill as a whole is in doubt, a violation that this might have caused is no catch.
func accuser(metric string) judge {
	return func(r reports.Results) (reports.Finding, string) {
		named := verdictOf(r, metric)
		switch {
		case r.Verdict == gates.Fail && named == gates.Fail && len(r.Why) > 0 && !proved(r, metric):
			return reports.Unclear, fmt.Sprintf("%s failed, and the drill is in doubt: %s", metric, strings.Join(r.Why, "; "))
		case r.Verdict == gates.Fail && named == gates.Fail:
			return reports.Caught, ""
		case r.Verdict == gates.Fail && named == gates.Pass:
			return reports.Missed, fmt.Sprintf("%s failed, and %s did not", strings.Join(failed(r), ", "), metric)
		case r.Verdict == gates.Fail:
			return reports.Unclear, fmt.Sprintf("%s failed, and %s is unknown", strings.Join(failed(r), ", "), metric)
		case r.Verdict == gates.Pass:
			return reports.Missed, "every gate passed"
		}
		return reports.Unclear, doubts(r)
	}
}

// acquitter judges a drill of the sound system.
func acquitter(r reports.Results) (reports.Finding, string) {
	switch r.Verdict {
	case gates.Pass:
		return reports.Clean, ""
	case gates.Fail:
		return reports.Accused, strings.Join(failed(r), ", ") + " failed"
	}
	return reports.Unclear, doubts(r)
}

// try is the record of one drill.
func try(r reports.Results, took time.Duration, judge judge) reports.Try {
	t := reports.Try{Seed: r.Seed, Took: reports.NewMillis(took), Failed: failed(r), Run: r.Run, Repeat: r.Repeat}
	t.Finding, t.Why = judge(r)
	return t
}

// verdictOf is the worst verdict of the gates on a metric: unknown without any.
func verdictOf(r reports.Results, metric string) gates.Verdict {
	var verdicts []gates.Verdict
	for _, g := range r.Gates {
		if names(g, metric) {
			verdicts = append(verdicts, g.Verdict)
		}
	}
	return gates.Worst(verdicts...)
}

// proved says whether a gate on that metric failed in a way that no doubt touches.
func proved(r reports.Results, metric string) bool {
	return slices.ContainsFunc(r.Gates, func(g reports.Gate) bool {
		return names(g, metric) && g.Verdict == gates.Fail && g.Proved
	})
}

// names says whether a gate judges that metric. One on the number of its samples
// does not: it asks whether the drill has shown enough, not what it has shown.
func names(g reports.Gate, metric string) bool {
	return g.Metric == metric && !strings.HasPrefix(g.Gate, metric+".n ")
}

// failed are the metrics whose gates failed.
func failed(r reports.Results) []string {
	metrics := []string{}
	for _, g := range r.Gates {
		if g.Verdict == gates.Fail && !slices.Contains(metrics, g.Metric) {
			metrics = append(metrics, g.Metric)
		}
	}
	return metrics
}

// doubts are why a drill has no verdict.
func doubts(r reports.Results) string {
	why := slices.Clone(r.Why)
	for _, text := range []string{r.Skipped, r.Inapplicable} {
		if text != "" {
			why = append(why, text)
		}
	}
	if len(why) > 0 {
		return strings.Join(why, "; ")
	}
	for _, g := range r.Gates {
		if g.Verdict == gates.Unknown {
			why = append(why, g.Gate+": "+g.Why)
		}
	}
	return strings.Join(why, "; ")
}

// together is the finding of all trials of a pair: one that is not as hoped
// spoils the others, and a miss outweighs what is unknown.
func together(tries []reports.Try, wanted int) reports.Finding {
	has := func(f reports.Finding) bool {
		return slices.ContainsFunc(tries, func(t reports.Try) bool { return t.Finding == f })
	}
	for _, f := range []reports.Finding{reports.Missed, reports.Accused} {
		if has(f) {
			return f
		}
	}
	switch {
	case len(tries) < wanted:
		return reports.NotRun
	case has(reports.Unclear):
		return reports.Unclear
	}
	return tries[0].Finding
}

// overall is the finding of a defect over the scenarios that should catch it.
// It escaped only if it is known to have escaped them all.
func overall(attempts []reports.Attempt) reports.Finding {
	for _, f := range []reports.Finding{reports.Caught, reports.NotRun, reports.Unclear} {
		if slices.ContainsFunc(attempts, func(a reports.Attempt) bool { return a.Finding == f }) {
			return f
		}
	}
	return reports.Missed
}

// median is the median time of the tries.
func median(tries []reports.Try) *reports.Millis {
	var times []reports.Millis
	for _, t := range tries {
		times = append(times, t.Took)
	}
	slices.Sort(times)
	middle := times[len(times)/2]
	if len(times)%2 == 0 {
		middle = (middle + times[len(times)/2-1]) / 2
	}
	return &middle
}
