package reports_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/reports"
)

// sealedRuns is a document of two records, one of two trials, with a remark.
func sealedRuns(t *testing.T) reports.Document {
	t.Helper()
	calmRun := drill(t, "calm", 7, calm+drained, "lost == 0")
	calmRun.Seal, calmRun.SignedBy = strings.Repeat("ab", 32), "SHA256:of-a-key"
	calmRun.Remarks = []string{"recorded by drillrun v1, and judged by v2"}
	var both []reports.Results
	for seed := range uint64(2) {
		r := drill(t, "twice", seed, calm+drained, "lost == 0")
		r.Seal, r.Trial = strings.Repeat("cd", 31)+"0"+string(rune('1'+seed)), int(seed)+1
		r.Remarks = []string{"said once"}
		both = append(both, r)
	}
	return reports.NewDocument([]reports.Results{calmRun, reports.Merge(both)}, false)
}

func TestEveryReportHasTheDigestsOfItsRecordsAndTheRemarks(t *testing.T) {
	d := sealedRuns(t)
	for name, writer := range map[string]reports.Writer{
		"terminal": reports.Terminal{}.Write, "markdown": reports.Markdown, "junit": reports.JUnit, "json": reports.JSON,
	} {
		text := string(write(t, writer, d))
		for _, want := range []string{
			strings.Repeat("ab", 32), strings.Repeat("cd", 31) + "01", strings.Repeat("cd", 31) + "02", "SHA256:of-a-key",
			"recorded by drillrun v1, and judged by v2",
		} {
			require.Contains(t, text, want, name)
		}
		require.Equal(t, 1, strings.Count(text, "said once"), name)
	}
}

func TestATerminalNamesTheFirstRecordsOfManyTrials(t *testing.T) {
	var many []reports.Results
	for seed := range uint64(50) {
		r := drill(t, "often", seed, calm+drained, "lost == 0")
		r.Seal, r.Trial = strings.Repeat("ef", 32), int(seed)+1
		many = append(many, r)
	}
	text := string(write(t, reports.Terminal{Width: 100}.Write, reports.NewDocument([]reports.Results{reports.Merge(many)}, false)))
	require.Equal(t, 10, strings.Count(text, "record of often"))
	require.Contains(t, text, "and 40 more records")
}
