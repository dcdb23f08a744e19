package reports_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reports"
)

func annotations(t *testing.T, runs ...reports.Results) []string {
	t.Helper()
	text := string(write(t, reports.GitHub, reports.NewDocument(runs, false)))
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func TestAFailedGateIsAnErrorAtItsLine(t *testing.T) {
	lines := annotations(t, reports.Results{
		Scenario: "strict", File: "drills/strict.txtar", Verdict: gates.Fail, Repeat: "drillrun run drills/strict.txtar --seed 7",
		Gates: []reports.Gate{
			{Gate: "lost == 0", Line: 12, Verdict: gates.Pass, Observed: "0"},
			{Gate: "failover < 1ms", Line: 13, Verdict: gates.Fail, Observed: "4 ms", Why: "replica-2 acted in term 5"},
			{Gate: "overlap == 0s", Line: 14, Verdict: gates.NotApplicable, Why: "the system has no leader"},
		},
	})
	require.Equal(t, []string{
		"::error file=drills/strict.txtar,line=13,title=strict%3A failover < 1ms::observed 4 ms%0Areplica-2 acted in term 5%0Arepeat: drillrun run drills/strict.txtar --seed 7",
		"::notice title=drillrun::1 scenario: 1 failed. Verdict: fail",
	}, lines)
}

func TestAnUnknownGateIsAWarning(t *testing.T) {
	lines := annotations(t, reports.Results{
		Scenario: "calm", Verdict: gates.Unknown,
		Gates: []reports.Gate{{Gate: "failover < 30s", Line: 9, Why: "no fault was injected"}},
	})
	require.Equal(t, "::warning title=calm%3A failover < 30s::unknown: no fault was injected", lines[0], "a built-in scenario has no file to point at")
}

func TestADoubtAboutTheWholeDrillIsToldOnce(t *testing.T) {
	doubt := "the script was not followed"
	lines := annotations(t, reports.Results{
		Scenario: "short", Verdict: gates.Unknown, Why: []string{doubt},
		Gates: []reports.Gate{{Gate: "lost == 0", Why: doubt}, {Gate: "duplicates == 0", Why: doubt}, {Gate: "failover < 1s", Why: "no fault"}},
	})
	require.Equal(t, []string{
		"::warning title=short%3A unknown::the script was not followed",
		"::warning title=short%3A failover < 1s::unknown: no fault",
		"::notice title=drillrun::1 scenario: 1 unknown. Verdict: unknown",
	}, lines)
}

func TestNoTextCanEndACommandOrBeginAnother(t *testing.T) {
	lines := annotations(t, reports.Results{
		Scenario: "a,b:c", File: "100%,x.txtar", Verdict: gates.Fail,
		Gates: []reports.Gate{{Gate: "lost == 0", Line: 3, Verdict: gates.Fail, Observed: "2", Why: "50% gone\r\n::error::forged"}},
	})
	require.Len(t, lines, 2)
	require.Equal(t, "::error file=100%25%2Cx.txtar,line=3,title=a%2Cb%3Ac%3A lost == 0::observed 2%0A50%25 gone%0A::error::forged", lines[0])
}

func TestWhatPassedIsANoticeOnly(t *testing.T) {
	require.Equal(t, []string{"::notice title=drillrun::1 scenario: 1 passed. Verdict: pass"},
		annotations(t, reports.Results{Scenario: "calm", Verdict: gates.Pass, Gates: []reports.Gate{{Gate: "lost == 0", Verdict: gates.Pass}}}))
}
