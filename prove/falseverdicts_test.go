package prove_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/prove"
)

var quoted = regexp.MustCompile("`([^`]+)`")

// falseVerdicts are the rows of the table: number, what was, what is, tests.
func falseVerdicts(t *testing.T) (rows [][]string) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(prove.FalseVerdicts), "\n")[2:] {
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		require.Len(t, cells, 4, line)
		rows = append(rows, cells)
	}
	return rows
}

// TestTheTestsOfFalseVerdictsExist reads `PACKAGE TestName`, `PACKAGE TestName/case`
// and the paths of files. A row without a test is one that is open.
func TestTheTestsOfFalseVerdictsExist(t *testing.T) {
	for _, row := range falseVerdicts(t) {
		named := quoted.FindAllStringSubmatch(row[3], -1)
		require.Equal(t, row[2] == "open", len(named) == 0, "%s: what is mended has a test, and what is open has none", row[0])
		for _, name := range named {
			house, test, isTest := strings.Cut(name[1], " ")
			if !isTest {
				require.FileExists(t, filepath.Join("..", name[1]), row[0])
				continue
			}
			require.NoError(t, exists(house, test), row[0])
		}
	}
}

// exists looks for a test in a package. Its case is a file of the package's testdata,
// or is named in the test's source.
func exists(house, test string) error {
	function, instance, _ := strings.Cut(test, "/")
	sources, err := filepath.Glob(filepath.Join("..", house, "*_test.go"))
	if err != nil {
		return err
	}
	var all strings.Builder
	for _, file := range sources {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all.Write(text)
	}
	if !strings.Contains(all.String(), "func "+function+"(") {
		return fmt.Errorf("%s has no test %s", house, function)
	}
	if instance == "" || strings.Contains(all.String(), fmt.Sprintf("%q", strings.ReplaceAll(instance, "_", " "))) {
		return nil
	}
	for _, folder := range []string{"testdata", "testdata/script"} {
		if _, err := os.Stat(filepath.Join("..", house, folder, instance+".txtar")); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s has no case %s of %s", house, instance, function)
}

func TestEveryFalseVerdictHasARow(t *testing.T) {
	var want, have []string
	for letter, n := range map[string]int{"A": 18, "B": 19, "S": 1, "U": 5, "H": 4} {
		for i := range n {
			want = append(want, fmt.Sprintf("%s%d", letter, i+1))
		}
	}
	for _, row := range falseVerdicts(t) {
		have = append(have, row[0])
	}
	require.Subset(t, have, want)
	slices.Sort(have)
	require.Equal(t, slices.Compact(slices.Clone(have)), have, "each once")
}

var update = flag.Bool("update", false, "put the table of false verdicts into the track record")

// TestTheTrackRecordHasTheFalseVerdicts compares the two tables. `make prove` writes
// the whole file, and `go test ./prove -update` this table alone.
func TestTheTrackRecordHasTheFalseVerdicts(t *testing.T) {
	const file = "../docs/TRACK_RECORD.md"
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	begin, end := strings.Index(string(text), "\n| no. |")+1, strings.Index(string(text), "\n## Open\n")
	require.Positive(t, begin)
	require.Less(t, begin, end)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(string(text[:begin])+prove.FalseVerdicts+string(text[end:])), 0o644))
	} else {
		require.Equal(t, prove.FalseVerdicts, string(text[begin:end]))
	}
}
