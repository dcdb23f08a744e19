package gates

import (
	"slices"
	"strings"
)

// suggest ends an error about an unknown name with the names it could be.
func suggest(name string, known []string) string {
	var near []string
	for _, k := range known {
		if distance(name, k) <= max(1, len(k)/3) || (len(name) > 2 && strings.HasPrefix(k, name)) {
			near = append(near, k)
		}
	}
	slices.SortStableFunc(near, func(a, b string) int { return distance(name, a) - distance(name, b) })
	if len(near) > 0 {
		return ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return ": want one of " + strings.Join(known, ", ")
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour on the way from a to b.
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
