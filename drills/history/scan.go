package history

import (
	"bytes"
	"math"
	"unicode/utf8"
)

// scanner reads JSON in exactly the form that this package writes: no spaces,
// fields in order, strings without escapes, small non-negative integers. Where
// the text departs from that, it gives up (bad), and the caller asks
// encoding/json instead: it never accepts what encoding/json would not, nor
// reads it differently.
type scanner struct {
	b   []byte
	i   int
	bad bool
}

// done reports whether all of the text was read, without a departure.
func (s *scanner) done() bool { return !s.bad && s.i == len(s.b) }

// accept steps over literal if it comes next.
func (s *scanner) accept(literal string) bool {
	end := s.i + len(literal)
	if s.bad || end > len(s.b) || string(s.b[s.i:end]) != literal {
		return false
	}
	s.i = end
	return true
}

func (s *scanner) expect(literal string) {
	if !s.accept(literal) {
		s.bad = true
	}
}

// uint reads up to 18 digits: whatever it accepts fits in an int64 too.
func (s *scanner) uint() uint64 {
	var n uint64
	start := s.i
	for s.i < len(s.b) && isDigit(s.b[s.i]) {
		n = n*10 + uint64(s.b[s.i]-'0')
		s.i++
	}
	digits := s.i - start
	if digits == 0 || digits > 18 || (digits > 1 && s.b[start] == '0') {
		s.bad = true
	}
	return n
}

// int reads what fits in an int of this machine.
func (s *scanner) int() int {
	n := s.uint()
	if n > math.MaxInt {
		s.bad = true
	}
	return int(n)
}

// text reads a string that needs no unescaping and returns its content, which
// aliases the scanned text.
func (s *scanner) text() []byte {
	s.expect(`"`)
	if s.bad {
		return nil
	}
	rest := s.b[s.i:]
	size := bytes.IndexByte(rest, '"')
	if size < 0 {
		s.bad = true
		return nil
	}
	content := rest[:size]
	var all byte
	for _, c := range content {
		if c < ' ' || c == '\\' {
			s.bad = true
			return nil
		}
		all |= c
	}
	if all >= utf8.RuneSelf && !utf8.Valid(content) {
		s.bad = true
	}
	s.i += size + 1
	return content
}

// value reads any compact JSON value and returns its text.
func (s *scanner) value() []byte {
	if s.bad {
		return nil
	}
	end := skipValue(s.b, s.i, 0)
	if end < 0 {
		s.bad = true
		return nil
	}
	text := s.b[s.i:end]
	s.i = end
	return text
}

// maxDepth bounds the recursion of skipValue.
const maxDepth = 32

// skipValue returns the end of the JSON value that starts at i, or -1 if it is
// not valid, contains spaces, or is nested too deep to tell.
func skipValue(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{':
		return skipObject(b, i, depth)
	case '[':
		return skipArray(b, i, depth)
	case 't':
		return skipLiteral(b, i, "true")
	case 'f':
		return skipLiteral(b, i, "false")
	case 'n':
		return skipLiteral(b, i, "null")
	default:
		return skipNumber(b, i)
	}
}

func skipObject(b []byte, i, depth int) int {
	i++
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		if i = skipString(b, i); i < 0 || i >= len(b) || b[i] != ':' {
			return -1
		}
		if i = skipValue(b, i+1, depth+1); i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case '}':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

func skipArray(b []byte, i, depth int) int {
	i++
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		if i = skipValue(b, i, depth+1); i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case ']':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < ' ':
			return -1
		case c == '\\':
			if i = skipEscape(b, i); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// skipEscape returns the last byte of the escape sequence that starts at i.
func skipEscape(b []byte, i int) int {
	i++
	if i >= len(b) {
		return -1
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i
	case 'u':
		if i+4 >= len(b) {
			return -1
		}
		for _, c := range b[i+1 : i+5] {
			if !isDigit(c) && (c|0x20 < 'a' || c|0x20 > 'f') {
				return -1
			}
		}
		return i + 4
	}
	return -1
}

func skipLiteral(b []byte, i int, literal string) int {
	end := i + len(literal)
	if end > len(b) || string(b[i:end]) != literal {
		return -1
	}
	return end
}

func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	start := i
	if i = skipDigits(b, i); i < 0 || (b[start] == '0' && i > start+1) {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		if i = skipDigits(b, i+1); i < 0 {
			return -1
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		return skipDigits(b, i)
	}
	return i
}

// skipDigits steps over one digit or more.
func skipDigits(b []byte, i int) int {
	start := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
