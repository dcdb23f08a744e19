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
		Trials: 5, Took: 1000, Verdict: gates.Fail,
		Defects: []reports.Proof{found("old", reports.Caught), found("sharpened", reports.Missed), found("gone", reports.Missed)},
		Sound:   []reports.Attempt{held("cheap", reports.Clean), held("dear", reports.Accused)},
	}
	now := reports.Matrix{
		Trials: 5, Took: 10, Verdict: gates.Pass,
		Defects: []reports.Proof{found("new", reports.Caught), found("sharpened", reports.Caught)},
		Sound:   []reports.Attempt{held("dear", reports.Clean)},
	}
	whole, err := prove.Onto(earlier, now, []string{"old", "new", "sharpened"})
	require.NoError(t, err)
	require.Equal(t, []reports.Proof{found("old", reports.Caught), found("new", reports.Caught), found("sharpened", reports.Caught)}, whole.Defects)
	require.Equal(t, []reports.Attempt{held("dear", reports.Clean), held("cheap", reports.Clean)}, whole.Sound)
	require.Equal(t, gates.Pass, whole.Verdict, "of what counts now")
	require.InDelta(t, 1010, float64(whole.Took), 0)
	require.Equal(t, gates.Fail, earlier.Verdict)
	require.Len(t, now.Sound, 1, "neither is changed")
}

func TestWhatWasMissedThenIsMissedStill(t *testing.T) {
	earlier := reports.Matrix{Trials: 1, Defects: []reports.Proof{found("old", reports.Missed)}}
	whole, err := prove.Onto(earlier, reports.Matrix{Trials: 1, Defects: []reports.Proof{found("new", reports.Caught)}}, []string{"old", "new"})
	require.NoError(t, err)
	require.Equal(t, gates.Fail, whole.Verdict)
}

func TestProofsOfOtherTrialsAreNotPutTogether(t *testing.T) {
	_, err := prove.Onto(reports.Matrix{Trials: 1}, reports.Matrix{Trials: 5}, nil)
	require.ErrorContains(t, err, "the earlier proof has 1 trials of each pair, this one 5")
}
