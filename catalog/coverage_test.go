package catalog_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/catalog"
)

// behaviours is how many docs/COVERAGE.md has a row for, from A1 on.
const behaviours = 13

// TestTheCoverageIsTrue holds docs/COVERAGE.md against the catalog: what a row
// names exists, its scenarios have its gates, and these catch its defects.
func TestTheCoverageIsTrue(t *testing.T) {
	rows := coverage(t)
	require.Len(t, rows, behaviours)
	for n := range behaviours {
		id := fmt.Sprintf("A%d", n+1)
		row := rows[id]
		require.Len(t, row, 6, "%s has no row of six cells", id)
		require.NotEmpty(t, row[1], id)
		code, scenarios, metrics, defects := links(row[2]), words(row[3]), words(row[4]), words(row[5])
		require.NotEmpty(t, code, id)
		require.NotEmpty(t, scenarios, id)
		require.NotEmpty(t, metrics, id)
		for _, path := range code {
			_, err := os.Stat(filepath.Join("../docs", path))
			require.NoError(t, err, id)
		}
		judged := judgedIn(t, scenarios)
		for _, metric := range metrics {
			require.Contains(t, judged, metric, "%s: no scenario of the row has a gate on it", id)
		}
		for _, name := range defects {
			d, err := catalog.Defect(name)
			require.NoError(t, err, id)
			require.Contains(t, metrics, d.Gate, "%s: the gate that catches %s", id, name)
			caught := func(scenario string) bool { return slices.Contains(scenarios, scenario) }
			require.True(t, slices.ContainsFunc(d.Scenarios, caught), "%s: one of %v catches %s", id, d.Scenarios, name)
		}
	}
}

// coverage reads the table of the file: the cells of each row, by behaviour.
func coverage(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../docs/COVERAGE.md")
	require.NoError(t, err)
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| A") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		require.NotContains(t, rows, cells[0])
		rows[cells[0]] = cells
	}
	return rows
}

// judgedIn are the metrics that any of the scenarios has a gate on.
func judgedIn(t *testing.T, scenarios []string) (metrics []string) {
	t.Helper()
	scripts, err := catalog.Scripts(scenarios)
	require.NoError(t, err)
	for _, s := range scripts {
		for _, g := range s.Gates {
			metrics = append(metrics, g.Metric.Name)
		}
	}
	return metrics
}

// words are the names in a cell, links the paths that it links to.
func words(cell string) []string { return inside(cell, "`([^`]+)`") }
func links(cell string) []string { return inside(cell, `\]\(([^)]+)\)`) }

func inside(cell, pattern string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(cell, -1) {
		found = append(found, match[1])
	}
	return found
}
