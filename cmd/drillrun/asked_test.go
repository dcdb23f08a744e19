package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

func TestWhatWasAskedForAndSkippedIsUnknown(t *testing.T) {
	script := func(ref string) catalog.Script {
		s, err := catalog.Scripts([]string{ref})
		require.NoError(t, err)
		return s[0]
	}
	all := []catalog.Script{script("calm"), script("leader-kill"), script("leader-drop"), script("memory-squeeze"), script("cpu-throttle")}
	passed := reports.Results{Scenario: "calm", Verdict: gates.Pass}
	lacking, squeezed := reports.Skip("leader-drop", 1, "no packets"), reports.Skip("memory-squeeze", 1, "no containers")
	leaderless := reports.Inapplicable("leader-kill", 1, "no leader")
	throttled := reports.Results{Scenario: "cpu-throttle", Verdict: gates.Pass}
	for name, test := range map[string]struct {
		asked []string
		runs  []reports.Results
		want  gates.Verdict
	}{
		"all there is":                {nil, []reports.Results{passed, lacking}, gates.Pass},
		"a set of which some ran":     {[]string{"containers"}, []reports.Results{lacking, squeezed, throttled}, gates.Pass},
		"a set of which nothing ran":  {[]string{"calm", "containers"}, []reports.Results{passed, lacking, squeezed}, gates.Unknown},
		"by its name":                 {[]string{"calm", "leader-drop"}, []reports.Results{passed, lacking}, gates.Unknown},
		"by its name and in a set":    {[]string{"containers", "leader-drop"}, []reports.Results{lacking, throttled}, gates.Unknown},
		"what the system has no part": {[]string{"calm", "leader-kill"}, []reports.Results{passed, leaderless}, gates.Pass},
	} {
		ask(test.runs, test.asked, all)
		require.Equal(t, test.want, reports.NewDocument(test.runs, false).Verdict, name)
	}
}
