package reports

import (
	"strings"
	"unicode/utf8"
)

// width is how many columns a text takes.
func width(text string) int { return utf8.RuneCountInString(text) }

func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// cut shortens a text to that many columns.
func cut(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	return string([]rune(text)[:max(0, columns-1)]) + "…"
}

func sum(all []int) (total int) {
	for _, n := range all {
		total += n
	}
	return total
}
