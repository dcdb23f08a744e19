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
	best, bestDistance := "", len(word)/2+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// Unknown words the error for a name that is not among the candidates: what
// kind of thing it should have been, the nearest one, and all there are.
func Unknown(kind, word string, candidates []string) error {
	all := strings.Join(slices.Sorted(slices.Values(candidates)), ", ")
	if near := Nearest(word, candidates); near != "" {
		return fmt.Errorf("unknown %s %q: did you mean %q? (there are: %s)", kind, word, near, all)
	}
	return fmt.Errorf("unknown %s %q: there are: %s", kind, word, all)
}

// distance is the Levenshtein distance of two short words, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
