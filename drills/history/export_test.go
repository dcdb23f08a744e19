package history

import (
	"errors"
	"io"
	"os"
)

// The internals that the external tests need.

// WriteTo makes the log write to another file from now on, and returns the one
// it wrote to.
func (l *Log) WriteTo(file *os.File) *os.File {
	l.disk.Lock()
	defer l.disk.Unlock()
	old := l.file
	l.file = file
	return old
}

// ReadAll reads a history as Open and Events do, from memory.
func ReadAll(from io.Reader, see func(*Event)) error {
	r := newReader(from)
	if _, _, err := r.header(); err != nil {
		return err
	}
	for {
		e, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		see(e)
	}
}

// DecodeFast is the hand-written decoder of one line, DecodeStrict the one of
// encoding/json that it must agree with.
func DecodeFast(line []byte, e *Event) bool    { return decodeFast(line, e, names{}) }
func DecodeStrict(line []byte, e *Event) error { return decodeStrict(line, e) }

// EncodeEvent is the hand-written encoder of one line.
func EncodeEvent(e *Event) ([]byte, error) { return appendEvent(nil, e) }

// ValidCompact reports whether the scanner takes text for one compact value.
func ValidCompact(text []byte) bool { return skipValue(text, 0, 0) == len(text) }
