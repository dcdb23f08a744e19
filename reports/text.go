package reports

import (
	"strings"
	"unicode"
)

// Plain keeps a text in its line, and out of it the terminal's own language, what
// turns text around, and what XML cannot hold.
func Plain(text string) string { return clean(text) }

// PlainLines is [Plain] for a text of several lines.
func PlainLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = clean(strings.TrimSuffix(lines[i], "\r"))
	}
	return strings.Join(lines, "\n")
}

func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return ' '
		case r == 0x2028, r == 0x2029, unicode.Is(unicode.Bidi_Control, r):
			return ' '
		}
		return r
	}, text)
}

// Cut shortens a text to that many columns of a terminal.
func Cut(text string, columns int) string { return cut(text, columns) }

// width is how many columns a text takes: two for the wide letters of East Asia
// and for pictures, none for marks that are put on the letter before.
func width(text string) (columns int) {
	for _, r := range text {
		columns += runeWidth(r)
	}
	return columns
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana),
		r >= 0x3000 && r <= 0x303e, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

func pad(text string, columns int) string {
	return text + strings.Repeat(" ", max(0, columns-width(text)))
}

// cut shortens a text to that many columns.
func cut(text string, columns int) string {
	if width(text) <= columns {
		return text
	}
	kept, room := "", columns-1
	for _, r := range text {
		if room -= runeWidth(r); room < 0 {
			break
		}
		kept += string(r)
	}
	return kept + "…"
}

func sum(all []int) (total int) {
	for _, n := range all {
		total += n
	}
	return total
}
