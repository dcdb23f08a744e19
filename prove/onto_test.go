package prove_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// found is a proof of today's scenario "one".
func found(defect string, f reports.Finding) reports.Proof {
	return reports.Proof{Defect: defect, Finding: f, Attempts: []reports.Attempt{held("one", f)}}
}

func held(scenario string, f reports.Finding) reports.Attempt {
	return reports.Attempt{Scenario: scenario, Finding: f, Version: "v1", Digest: today[scenario]}
}

var today = map[string]string{"one": "1111", "cheap": "2222", "dear": "3333"}

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
	whole := prove.Onto(earlier, now, []string{"old", "new", "sharpened"}, today)
	require.Equal(t, []reports.Proof{found("old", reports.Caught), found("new", reports.Caught), found("sharpened", reports.Caught)}, whole.Defects)
	require.Equal(t, []reports.Attempt{held("dear", reports.Clean), held("cheap", reports.Clean)}, whole.Sound)
	require.Equal(t, gates.Pass, whole.Verdict, "of what counts now")
	require.InDelta(t, 1010, float64(whole.Took), 0)
	require.Equal(t, gates.Fail, earlier.Verdict)
	require.Len(t, now.Sound, 1, "neither is changed")
}

func TestWhatWasMissedThenIsMissedStill(t *testing.T) {
	earlier := reports.Matrix{Defects: []reports.Proof{found("old", reports.Missed)}}
	whole := prove.Onto(earlier, reports.Matrix{Defects: []reports.Proof{found("new", reports.Caught)}}, []string{"old", "new"}, today)
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
	whole := prove.Onto(earlier, now, []string{"old"}, today)
	require.Equal(t, []reports.Proof{
		found("old", reports.Caught), bug("theirs", reports.Caught), bug("kept", reports.Caught), bug("another", reports.Caught),
	}, whole.Defects)
	require.Equal(t, gates.Pass, whole.Verdict)
}

func TestWhatWasFoundInAnotherScenarioCountsForNothing(t *testing.T) {
	changed, gone, unknown := found("changed", reports.Caught), found("gone", reports.Caught), found("unknown", reports.Caught)
	changed.Attempts[0].Digest = "0000"
	gone.Attempts[0].Scenario = "removed.txtar"
	unknown.Attempts[0].Digest, unknown.Attempts[0].Version = "", ""
	sound := held("dear", reports.Clean)
	sound.Digest = "0000"
	for _, c := range []struct {
		earlier reports.Matrix
		stale   string
	}{
		{reports.Matrix{Defects: []reports.Proof{changed}}, "the scenario has changed since"},
		{reports.Matrix{Defects: []reports.Proof{gone}}, "the scenario cannot be read any more"},
		{reports.Matrix{Defects: []reports.Proof{unknown}}, "nobody knows in which version of the scenario"},
		{reports.Matrix{Sound: []reports.Attempt{sound}}, "the scenario has changed since"},
	} {
		now := reports.Matrix{Defects: []reports.Proof{found("new", reports.Caught)}}
		names := []string{"new"}
		for _, p := range c.earlier.Defects {
			names = append(names, p.Defect)
		}
		whole := prove.Onto(c.earlier, now, names, today)
		require.Equal(t, gates.Unknown, whole.Verdict, c.stale)
		var report bytes.Buffer
		require.NoError(t, reports.TrackRecord(nil, "")(&report, whole))
		require.Contains(t, report.String(), "Stale, and to be proved again, as "+c.stale)
	}
	require.Empty(t, changed.Attempts[0].Stale, "the earlier proof is not changed")

	missed := changed
	missed.Finding = reports.Missed
	whole := prove.Onto(reports.Matrix{Defects: []reports.Proof{missed}}, reports.Matrix{}, []string{"changed"}, today)
	require.Equal(t, gates.Fail, whole.Verdict, "an escape stays one until it is caught")
}

func TestRowsOfAnotherVersionAreTold(t *testing.T) {
	old := found("old", reports.Caught)
	old.Attempts[0].Tries = []reports.Try{{Finding: reports.Caught}}
	earlier := reports.Matrix{Defects: []reports.Proof{old}}
	whole := prove.Onto(earlier, reports.Matrix{Version: "v2"}, []string{"old"}, today)
	require.Equal(t, gates.Pass, whole.Verdict)
	var report bytes.Buffer
	require.NoError(t, reports.TrackRecord(nil, "")(&report, whole))
	require.Contains(t, report.String(), "Found by drillrun v1, and this is v2: old.")
}

func TestAStaleRowCountsAgainOnceItsScenarioIsBack(t *testing.T) {
	earlier := reports.Matrix{Defects: []reports.Proof{found("old", reports.Caught)}}
	once := prove.Onto(earlier, reports.Matrix{}, []string{"old"}, map[string]string{"one": "0000"})
	require.Equal(t, gates.Unknown, once.Verdict)
	require.Equal(t, gates.Pass, prove.Onto(once, reports.Matrix{}, []string{"old"}, today).Verdict)
}
