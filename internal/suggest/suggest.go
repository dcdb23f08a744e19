// Package suggest finds the word that somebody probably meant.
package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns the candidate closest to word by edit distance, or "" where
// none is close enough to be what was meant.
func Nearest(word string, candidates []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, bestDistance := "", max(1, len(word)/3)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

const (
	maxWord  = 64 // bytes of a word that somebody may have mistyped
	maxNames = 15 // that are told of one mistake
)

// lists are the commands that show all names of a kind.
var lists = map[string]string{
	"verb":     "`drillrun list verbs` and `drillrun list faults` show all",
	"metric":   "`drillrun list gates` shows all",
	"scenario": "`drillrun list scenarios` shows all",
	"defect":   "`drillrun list defects` shows all",
	"variable": "docs/guides/plug-in-a-system.md has all",
}

// Unknown words the error for a name that is not among the candidates: what
// kind of thing it should have been, the nearest one, and all there are, or where
// that would be a wall of names some of them.
func Unknown(kind, word string, candidates []string) error {
	near, many := Nearest(word, candidates), len(candidates) > maxNames
	all := strings.Join(some(candidates), ", ")
	if many {
		all += fmt.Sprintf(" and %d more", len(candidates)-maxNames)
		if list, ok := lists[kind]; ok {
			all += "; " + list
		}
	}
	switch {
	case near != "" && many && lists[kind] != "":
		return fmt.Errorf("unknown %s %q: did you mean %q? (%s)", kind, word, near, lists[kind])
	case near != "":
		return fmt.Errorf("unknown %s %q: did you mean %q? (there are: %s)", kind, word, near, all)
	}
	return fmt.Errorf("unknown %s %.64q: there are: %s", kind, word, all)
}

// some are the first candidates, sorted.
func some(candidates []string) []string {
	sorted := slices.Sorted(slices.Values(candidates))
	return sorted[:min(len(sorted), maxNames)]
}

// distance is how many letters to insert, delete, replace or swap with their
// neighbour on the way from a to b.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
