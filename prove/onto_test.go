package prove_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

func found(defect string, f reports.Finding) reports.Proof {
	return reports.Proof{Defect: defect, Finding: f}
}

func held(scenario string, f reports.Finding) reports.Attempt {
	return reports.Attempt{Scenario: scenario, Finding: f}
}

func TestAProofIsPutOnTopOfAnEarlierOne(t *testing.T) {
	earlier := reports.Matrix{
		Took: 1000, Verdict: gates.Fail,
		Defects: []reports.Proof{found("old", reports.Caught), found("sharpened", reports.Missed), found("gone", reports.Missed)},
		Sound:   []reports.Attempt{held("cheap", reports.Clean), held("dear", reports.Accused)},
	}
	now := reports.Matrix{
		Took: 10, Verdict: gates.Pass,
		Defects: []reports.Proof{found("new", reports.Caught), found("sharpened", reports.Caught)},
		Sound:   []reports.Attempt{held("dear", reports.Clean)},
	}
	whole := prove.Onto(earlier, now, []string{"old", "new", "sharpened"})
	require.Equal(t, []reports.Proof{found("old", reports.Caught), found("new", reports.Caught), found("sharpened", reports.Caught)}, whole.Defects)
	require.Equal(t, []reports.Attempt{held("dear", reports.Clean), held("cheap", reports.Clean)}, whole.Sound)
	require.Equal(t, gates.Pass, whole.Verdict, "of what counts now")
	require.InDelta(t, 1010, float64(whole.Took), 0)
	require.Equal(t, gates.Fail, earlier.Verdict)
	require.Len(t, now.Sound, 1, "neither is changed")
}

func TestWhatWasMissedThenIsMissedStill(t *testing.T) {
	earlier := reports.Matrix{Defects: []reports.Proof{found("old", reports.Missed)}}
	whole := prove.Onto(earlier, reports.Matrix{Defects: []reports.Proof{found("new", reports.Caught)}}, []string{"old", "new"})
	require.Equal(t, gates.Fail, whole.Verdict)
}

func TestBugsOfOtherSystemsStayBehindTheDefects(t *testing.T) {
	bug := func(name string, f reports.Finding) reports.Proof {
		p := found(name, f)
		p.Bug = &reports.Bug{With: name + "/with.yaml", Without: name + "/without.yaml"}
		return p
	}
	earlier := reports.Matrix{Defects: []reports.Proof{found("old", reports.Caught), bug("theirs", reports.Missed), bug("kept", reports.Caught)}}
	now := reports.Matrix{Defects: []reports.Proof{bug("theirs", reports.Caught), bug("another", reports.Caught)}}
	whole := prove.Onto(earlier, now, []string{"old"})
	require.Equal(t, []reports.Proof{
		found("old", reports.Caught), bug("theirs", reports.Caught), bug("kept", reports.Caught), bug("another", reports.Caught),
	}, whole.Defects)
	require.Equal(t, gates.Pass, whole.Verdict)
}
