package input

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest that is told of somebody's text, in characters.
const (
	maxLine  = 160
	maxError = 600
)

// Line is a line of somebody's text as a message can tell it: control characters
// are written as Go writes them, and a long line is cut.
func Line(text string) string { return shown(text, maxLine) }

// shown is a text without control characters, of at most so many characters.
func shown(text string, most int) string {
	var b strings.Builder
	n := 0
	for rest := text; rest != ""; n++ {
		if n == most {
			return b.String() + "…"
		}
		r, width := utf8.DecodeRuneInString(rest)
		switch {
		case r == utf8.RuneError && width == 1, !unicode.IsPrint(r) && r != ' ' && r != '\t':
			b.WriteString(strings.Trim(strconv.Quote(rest[:width]), `"`))
		default:
			b.WriteString(rest[:width])
		}
		rest = rest[width:]
	}
	return b.String()
}

// Error is an error whose text is as printable as [Line]: what it says may quote
// what somebody wrote.
func Error(err error) error {
	if err == nil {
		return nil
	}
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, shown(line, maxError))
	}
	text := strings.Join(lines, "\n")
	if text == err.Error() {
		return err
	}
	return shownError{text, err}
}

// shownError is an error that is told in other words.
type shownError struct {
	text string
	err  error
}

func (e shownError) Error() string { return e.text }

func (e shownError) Unwrap() error { return e.err }
