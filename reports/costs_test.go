package reports_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

func TestTheTableTellsWhatKeepingThePromisesTook(t *testing.T) {
	count := func(v float64) reports.Metric { return reports.Metric{Unit: gates.Count, Value: &v} }
	runs := []reports.Results{
		{Scenario: "calm", Verdict: gates.Pass, Metrics: map[string]reports.Metric{"redeliveries": count(0)}},
		{Scenario: "redis-flush", Verdict: gates.Pass, Metrics: map[string]reports.Metric{
			"redeliveries": count(2), "republished": count(207),
		}},
	}
	var out strings.Builder
	require.NoError(t, reports.Terminal{}.Write(&out, reports.NewDocument(runs, false)))
	require.Contains(t, out.String(), "\nredis-flush: 2 effects repeated and known by their key, 207 entries published again\n")
	require.NotContains(t, out.String(), "calm:")
}
