package reports_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

func TestAReasonIsAsAboveOnlyWhereItStandsRightAbove(t *testing.T) {
	gate := func(name string, verdict gates.Verdict, why string) reports.Gate {
		return reports.Gate{Gate: name, Verdict: verdict, Why: why}
	}
	r := reports.Results{Scenario: "torn", Verdict: gates.Unknown, Why: []string{"the script was not followed"}, Gates: []reports.Gate{
		gate("lost == 0", gates.Unknown, "no drain was completed"),
		gate("duplicates == 0", gates.Unknown, "no drain was completed"),
		gate("redeliveries == 0", gates.Unknown, "no drain was completed"),
		gate("outage < 1s", gates.Unknown, "the script was not followed"),
		gate("stuck == 0", gates.Unknown, "no drain was completed"),
		gate("leaked == 0", gates.Pass, "nothing was counted twice"),
		gate("dead_letters == 0", gates.Unknown, "nothing was counted twice"),
	}}
	var told []string
	text := string(write(t, reports.Terminal{Width: 100}.Write, reports.NewDocument([]reports.Results{r}, false)))
	for line := range strings.Lines(text) {
		if why, inner := strings.CutPrefix(line, "           "); inner {
			told = append(told, strings.TrimSpace(why))
		}
	}
	require.Equal(t, []string{
		"no drain was completed", "as above", "as above", "no drain was completed", "nothing was counted twice",
	}, told)
}
