package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// reader reads one history from its header to its seal.
type reader struct {
	lines *lineReader
	order order
	known names
	event Event
	sum   []byte // of the seal, once it was read
}

func newReader(r io.Reader) *reader {
	return &reader{lines: newLineReader(r), known: names{}}
}

// header reads the first line, and returns it as it stands too.
func (r *reader) header() (h Header, line []byte, err error) {
	line, err = r.line()
	switch {
	case errors.Is(err, io.EOF):
		return h, nil, fmt.Errorf("%w: it has no header", ErrUnsealed)
	case err != nil:
		return h, nil, err
	}
	var first struct {
		Header struct {
			Schema int `json:"schema"`
		} `json:"header"`
	}
	if err := json.Unmarshal(line, &first); err != nil {
		return h, nil, r.malformed("header: %v", err)
	}
	if schema := first.Header.Schema; schema != SchemaVersion {
		return h, nil, fmt.Errorf("%w: %d; this version reads %d", ErrSchema, schema, SchemaVersion)
	}
	var whole struct {
		Header *Header `json:"header"`
	}
	if err := decodeStrict(line, &whole); err != nil {
		return h, nil, r.malformed("header: %v", err)
	}
	switch {
	case whole.Header == nil:
		return h, nil, r.malformed("the first line is no header")
	case whole.Header.Settle < 0 || whole.Header.Settle > maxAt:
		return h, nil, r.malformed("no system settles in %v", whole.Header.Settle)
	}
	return *whole.Header, line, nil
}

// next returns the next event, which is valid until the call after this one.
// It returns io.EOF after a sound end, and ErrUnsealed, ErrEdited or
// ErrMalformed otherwise.
func (r *reader) next() (*Event, error) {
	line, err := r.line()
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: it ends after %d events", ErrUnsealed, r.order.seq)
	case err != nil:
		return nil, err
	case bytes.HasPrefix(line, []byte(sealPrefix)):
		return nil, r.seal(line)
	}
	if err := decodeEvent(line, &r.event, r.known); err != nil {
		return nil, r.malformed("%v", err)
	}
	if err := r.order.check(&r.event); err != nil {
		return nil, fmt.Errorf("line %d: %w", r.lines.number, err)
	}
	return &r.event, nil
}

// seal compares the last line, byte by byte, with what it ought to be.
func (r *reader) seal(line []byte) error {
	number := r.lines.number
	r.sum = r.lines.sum()
	want := sealLine(r.order.seq, r.sum)
	if !bytes.Equal(line, want[:len(want)-1]) {
		return fmt.Errorf("line %d: %w: the seal is not that of the %d events before it", number, ErrEdited, r.order.seq)
	}
	switch _, err := r.lines.next(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err == nil || errors.Is(err, errTorn):
		return fmt.Errorf("line %d: %w: it goes on after the seal", number+1, ErrEdited)
	default:
		return err
	}
}

// line returns the next line.
func (r *reader) line() ([]byte, error) {
	line, err := r.lines.next()
	if errors.Is(err, errTorn) {
		return nil, fmt.Errorf("%w: line %d: %w", ErrUnsealed, r.lines.number+1, err)
	}
	return line, err
}

func (r *reader) malformed(format string, args ...any) error {
	return fmt.Errorf("line %d: %w: %s", r.lines.number, ErrMalformed, fmt.Sprintf(format, args...))
}

// maxAt is later than any drill ends: a century. Sums and differences of times up
// to it are still times.
const maxAt = 100 * 365 * 24 * time.Hour

// order holds the invariants between one event and the next.
type order struct {
	seq uint64
	at  time.Duration
}

// fill gives a hand-made event what its author left out: a zero Seq becomes
// the next one, a zero At that of the event before.
func (o *order) fill(e *Event) {
	if e.Seq == 0 {
		e.Seq = o.seq + 1
	}
	if e.At == 0 {
		e.At = o.at
	}
}

func (o *order) check(e *Event) error {
	if e.Seq != o.seq+1 {
		return fmt.Errorf("%w: seq %d follows %d", ErrEdited, e.Seq, o.seq)
	}
	if e.At < o.at {
		return fmt.Errorf("%w: time goes back from %v to %v", ErrEdited, o.at, e.At)
	}
	if e.At > maxAt {
		return fmt.Errorf("%w: no drill takes %v", ErrMalformed, e.At)
	}
	if _, known := phaseOf([]byte(e.Phase)); !known {
		return fmt.Errorf("%w: unknown phase %q", ErrMalformed, e.Phase)
	}
	o.seq, o.at = e.Seq, e.At
	return nil
}
