// Package input reads what people hand over: files that may be anything, and the
// words in them, which are told again in messages.
//
// A file is read with a limit, and only where it is a regular one: a device has no
// end, a pipe may never have a writer, and neither is what somebody meant. What is
// told of its content is one short line without control characters, so that no
// message takes over a terminal or is longer than what is wrong.
package input

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

// The limits of the files that are read whole.
const (
	MaxScenario = 1 << 20   // a script
	MaxManifest = 64 << 10  // the description of a system, or of a bug
	MaxReport   = 256 << 20 // a document that drillrun has written itself
)

// Read reads a regular file of at most so many bytes.
func Read(path string, most int64) (text []byte, err error) {
	file, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	text, err = io.ReadAll(io.LimitReader(file, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", Line(path), err)
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%s is too long: it may have %s", Line(path), size(most))
	}
	return text, nil
}

// Open opens a regular file for reading. It does not wait for the writer of a pipe,
// and looks again at what it has opened: the name may stand for something else by
// then.
func Open(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, irregular(path, info)
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unopened(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = irregular(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// unopened is the error of a file that cannot be opened, with its name printable.
func unopened(path string, err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		err = of.Err
	}
	return fmt.Errorf("open %s: %w", Line(path), err)
}

// irregular says what stands in place of a file.
func irregular(path string, info fs.FileInfo) error {
	what := "something else"
	switch mode := info.Mode(); {
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	case mode&fs.ModeDevice != 0:
		what = "a device"
	}
	return fmt.Errorf("%s is %s: want a regular file", Line(path), what)
}

func size(bytes int64) string {
	if bytes >= 1<<20 {
		return fmt.Sprintf("at most %d MiB", bytes>>20)
	}
	return fmt.Sprintf("at most %d KiB", bytes>>10)
}

// byteOrderMark is what some editors write in front of UTF-8.
var byteOrderMark = []byte("\ufeff")

// Text is a source as text in UTF-8, without a byte order mark. The error says in
// one line why it is none.
func Text(source []byte) ([]byte, error) {
	source = bytes.TrimPrefix(source, byteOrderMark)
	switch {
	case bytes.HasPrefix(source, []byte{0xff, 0xfe}), bytes.HasPrefix(source, []byte{0xfe, 0xff}), wide(source):
		return nil, errors.New("it is UTF-16: save it as UTF-8")
	case bytes.IndexByte(source, 0) >= 0:
		return nil, errors.New("it is no text: it has zero bytes")
	case !utf8.Valid(source):
		return nil, errors.New("it is no text in UTF-8: save it as that")
	}
	return source, nil
}

// wide says whether a source looks like UTF-16 without its mark: every second byte
// of its beginning is zero, as with the letters of a script.
func wide(source []byte) bool {
	head := source[:min(len(source), 64)&^1]
	even, odd := 0, 0
	for i, b := range head {
		switch {
		case b == 0 && i%2 == 0:
			even++
		case b == 0:
			odd++
		}
	}
	return len(head) >= 8 && max(even, odd) == len(head)/2 && min(even, odd) == 0
}
