package prove_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reference/defects"
)

// TestTheTrackRecordIsFresh compares docs/TRACK_RECORD.md with the defects that
// there are, in everything but times. `make prove` writes it anew.
func TestTheTrackRecordIsFresh(t *testing.T) {
	caught, _, open := trackRecord(t)
	for _, d := range defects.All() {
		row, told := caught[d.Name]
		require.True(t, told, "%s is not in the track record", d.Name)
		delete(caught, d.Name)
		drill, gate, command := row[3], row[4], row[5]
		require.Contains(t, d.Scenarios, drill, "the drill that caught %s", d.Name)
		require.Equal(t, d.Gate, gate, d.Name)
		require.Equal(t, fmt.Sprintf("drillrun run %s --defect %s", drill, d.Name), command)
	}
	require.Empty(t, slices.Collect(maps.Keys(caught)), "there are no such defects")
	for _, d := range defects.Open() {
		require.Contains(t, open, d.Name)
		delete(open, d.Name)
		_, built := defects.Named(d.Name)
		require.False(t, built, "%s is built, and waits for nothing", d.Name)
	}
	require.Empty(t, slices.Collect(maps.Keys(open)), "these do not wait any more")
}

// TestTheBugsAreInTheTrackRecord compares it with the bugs' files. `make bugs`
// writes their rows anew.
func TestTheBugsAreInTheTrackRecord(t *testing.T) {
	_, told, _ := trackRecord(t)
	var files []string
	for _, house := range []string{"systems", "examples"} {
		found, err := filepath.Glob("../" + house + "/*/bugs/*.yaml")
		require.NoError(t, err)
		require.NotEmpty(t, found, house)
		files = append(files, found...)
	}
	for _, file := range files {
		bug, err := prove.ReadBug(file)
		require.NoError(t, err)
		row, found := told[bug.Name]
		require.True(t, found, "%s is not in the track record", bug.Name)
		delete(told, bug.Name)
		scenario, with := strings.TrimPrefix(bug.Scenarios[0], "../"), strings.TrimPrefix(bug.Bug.With, "../")
		require.Equal(t, []string{bug.Wrong, bug.Origin, scenario, bug.Gate, fmt.Sprintf("drillrun run %s --system %s", scenario, with)}, row[1:6])
		for _, manifest := range []string{bug.Bug.With, bug.Bug.Without} {
			require.FileExists(t, manifest)
		}
	}
	require.Empty(t, slices.Collect(maps.Keys(told)), "there are no such bugs")
}

// trackRecord reads the tables of the file: the cells of each row, by defect.
func trackRecord(t *testing.T) (caught, bugs, open map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("../docs/TRACK_RECORD.md")
	require.NoError(t, err)
	closed, awaited, found := strings.Cut(string(text), "\n## Open\n")
	require.True(t, found)
	closed, _, found = strings.Cut(closed, "\n## False verdicts that were possible\n")
	require.True(t, found)
	built, again, found := strings.Cut(closed, "\n## Bugs of other systems\n")
	require.True(t, found)
	return rows(built), rows(again), rows(awaited)
}

func rows(table string) map[string][]string {
	byName := map[string][]string{}
	for line := range strings.Lines(table) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(strings.ReplaceAll(line, `\|`, "")), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		byName[cells[0]] = cells
	}
	return byName
}
