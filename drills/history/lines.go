package history

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

const (
	readBlock = 256 << 10
	maxLine   = 16 << 20 // bytes; an event is a few hundred
)

// errTorn says that the file ends inside a line.
var errTorn = errors.New("the last line is torn")

// lineReader splits a file into lines and digests it on the way, in large
// pieces: digesting line by line would cost as much as decoding.
//
//	buf  |--digested--|--lines handed out--|--read ahead--|----free----|
//	     0         digested              start           end        len(buf)
type lineReader struct {
	r      io.Reader
	buf    []byte
	line   int // where the line handed out last begins
	start  int
	end    int
	number int // of the line handed out last, from 1

	digest   hash.Hash
	digested int
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: r, buf: make([]byte, readBlock), digest: sha256.New()}
}

// next returns the next line without its end; it is valid until the call after
// this one. At the end of the file it returns io.EOF, or errTorn where the
// last line has no end.
func (l *lineReader) next() ([]byte, error) {
	searched := l.start
	for {
		if size := bytes.IndexByte(l.buf[searched:l.end], '\n'); size >= 0 {
			l.line = l.start
			l.start = searched + size + 1
			l.number++
			return l.buf[l.line : l.start-1], nil
		}
		pending := l.end - l.start
		if err := l.fill(); err != nil {
			return nil, err
		}
		searched = l.start + pending
	}
}

// sum is the SHA-256 of every byte before the line handed out last.
func (l *lineReader) sum() []byte {
	l.digestTo(l.line)
	return l.digest.Sum(nil)
}

func (l *lineReader) digestTo(i int) {
	l.digest.Write(l.buf[l.digested:i]) // a hash never fails
	l.digested = i
}

// fill moves the unfinished line to the front of the buffer, which grows with
// it, and reads more.
func (l *lineReader) fill() error {
	l.digestTo(l.start)
	l.end = copy(l.buf, l.buf[l.start:l.end])
	l.start, l.digested = 0, 0
	if l.end == len(l.buf) {
		if l.end >= maxLine {
			return fmt.Errorf("%w: line %d is longer than %d bytes", ErrMalformed, l.number+1, maxLine)
		}
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	n, err := io.ReadAtLeast(l.r, l.buf[l.end:], 1)
	l.end += n
	if errors.Is(err, io.EOF) && l.end > 0 {
		return errTorn
	}
	return err
}
