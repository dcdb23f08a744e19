package prove_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// doubtful are failing results of a drill that is in doubt.
func doubtful(why string) reports.Results {
	r := results("fail", "pass")
	r.Why = []string{why}
	return r
}

func TestADrillInDoubtCatchesNothing(t *testing.T) {
	for _, why := range []string{
		"the script was not followed: line 4: await steady: not within 30s",
		`fault "kill leader" was never proved to be in effect: deadline`,
		"the drill was cut short: its history has no end",
	} {
		m := run(t, answering(doubtful(why)).config(1, lossy))
		require.Equal(t, reports.Unclear, m.Defects[0].Finding, why)
		require.Equal(t, "lost failed, and the drill is in doubt: "+why, m.Defects[0].Attempts[0].Tries[0].Why)
		require.Equal(t, gates.Unknown, m.Verdict)
	}
}

func TestAViolationThatStandsInSpiteOfAllDoubtsIsACatch(t *testing.T) {
	r := doubtful("the script was not followed: line 9: no replica to choose")
	r.Gates[0].Proved = true
	require.Equal(t, reports.Caught, run(t, answering(r).config(1, lossy)).Defects[0].Finding)

	another := doubtful("the script was not followed: line 9: no replica to choose")
	another.Gates = append(another.Gates, reports.Gate{Gate: "duplicates == 0", Metric: "duplicates", Verdict: gates.Fail, Proved: true})
	require.Equal(t, reports.Unclear, run(t, answering(another).config(1, lossy)).Defects[0].Finding, "it is the named gate that must be proved")
}

func TestTooFewSamplesAreNoSymptom(t *testing.T) {
	shared := prove.Defect{Name: "shared", Gate: "isolation", Scenarios: []string{"cheap"}}
	r := results("pass")
	r.Verdict = gates.Fail
	r.Gates = []reports.Gate{
		{Gate: "isolation.p90 < 80ms", Metric: "isolation", Verdict: gates.Pass},
		{Gate: "isolation.n >= 50", Metric: "isolation", Verdict: gates.Fail},
	}
	require.Equal(t, reports.Missed, run(t, answering(r).config(1, shared)).Defects[0].Finding)
}

func TestWhatIsBrokenWithoutAFaultIsNotCaughtByOne(t *testing.T) {
	declared := lossy
	declared.ShowsInCalm = true
	duplicating := prove.Defect{Name: "duplicating", Gate: "outage", Scenarios: []string{"cheap"}}
	doubted := results("pass", "pass")
	doubted.Why = []string{"the script was not followed"}
	for name, c := range map[string]struct {
		defect  prove.Defect
		calm    reports.Results
		finding reports.Finding
		without reports.Finding
		why     string
	}{
		"it passes":                           {lossy, results("pass", "pass"), reports.Caught, reports.Clean, ""},
		"it does no job at all":               {lossy, results("fail", "pass"), reports.Unclear, reports.Accused, "without faults: lost failed, and nothing had been broken"},
		"it is declared to show":              {declared, results("fail", "pass"), reports.Caught, reports.Shows, ""},
		"it is declared to, and does not":     {declared, results("pass", "pass"), reports.Caught, reports.Clean, ""},
		"something else shows":                {declared, results("pass", "fail"), reports.Unclear, reports.Accused, "without faults: outage failed, and nothing had been broken"},
		"nobody knows":                        {lossy, results("unknown", "pass"), reports.Unclear, reports.Unclear, "without faults: lost == 0: because"},
		"in doubt":                            {lossy, doubted, reports.Unclear, reports.Unclear, "without faults: the script was not followed"},
		"its gate needs a fault":              {duplicating, results("pass", "unknown"), reports.Caught, reports.Clean, ""},
		"its gate fails for want of anything": {duplicating, results("fail", "unknown"), reports.Unclear, reports.Accused, "without faults: lost failed, and nothing had been broken"},
	} {
		t.Run(name, func(t *testing.T) {
			s := answering(results("fail", "fail"))
			s.calm = c.calm
			p := run(t, s.config(1, c.defect)).Defects[0]
			require.Equal(t, c.finding, p.Finding)
			require.Equal(t, c.without, p.Calm.Finding)
			require.Equal(t, c.why, p.Why)
			require.Equal(t, "cheap", p.By)
		})
	}
}

func TestWhatIsUnknownWithoutFaultsIsDrilledOnceMore(t *testing.T) {
	s := answering(results("fail", "fail"))
	s.calm = results("unknown", "pass")
	run(t, s.config(1, lossy))
	require.Equal(t, []string{" cheap 1", "lossy cheap 1", "lossy cheap 1 without faults", "lossy cheap 1 without faults"}, s.drilled)
}

func TestAScenarioThatBreaksNothingCatchesOnlyWhatIsDeclaredToShow(t *testing.T) {
	c := answering(results("fail", "pass")).config(1, lossy)
	c.Faultless = []string{"cheap"}
	p := run(t, c).Defects[0]
	require.Equal(t, reports.Unclear, p.Finding)
	require.Equal(t, "cheap breaks nothing, and the defect is not declared to show without a fault", p.Why)
	require.Nil(t, p.Calm, "there is nothing to take out")

	c.Defects[0].ShowsInCalm = true
	require.Equal(t, reports.Caught, run(t, c).Defects[0].Finding)
}
