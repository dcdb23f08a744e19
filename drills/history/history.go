package history

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"
)

// History is the reading end: a header, and events that can be ranged over
// any number of times, also at once.
type History struct {
	path   string // empty for one in memory
	line   []byte // the header's line, as Open saw it
	header Header
	events []Event
	seal   atomic.Pointer[string]
}

// Open opens the history at path and reads its header. Whether the rest is
// sound comes out while its events are read. It returns ErrSchema for a
// history of another version, ErrMalformed or ErrUnsealed for a file without a
// whole header.
func Open(path string) (*History, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open history: %w", err)
	}
	defer file.Close() // only read: nothing can be lost
	header, line, err := newReader(file).header()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &History{path: path, header: header, line: bytes.Clone(line)}, nil
}

// New returns a history in memory, for tests of gates. It counts as sealed. A
// zero Seq becomes the event's position, a zero At that of the event before;
// what is given must be in order, as in a file.
func New(h Header, events []Event) *History {
	h.Schema = SchemaVersion
	filled := make([]Event, len(events))
	var o order
	for i, e := range events {
		o.fill(&e)
		o.seq, o.at = e.Seq, e.At
		filled[i] = e
	}
	return &History{header: h, events: filled}
}

// Header returns what was drilled.
func (h *History) Header() Header { return h.header }

// Path returns where the history was opened, or "" for one in memory.
func (h *History) Path() string { return h.path }

// Seal is the digest of the seal, the SHA-256 of every byte before it, once the events
// have been read to their end and found to agree with it; empty before that, and for a
// history in memory. Whoever has kept it can tell this history from any other.
func (h *History) Seal() string {
	if sum := h.seal.Load(); sum != nil {
		return *sum
	}
	return ""
}

// Events streams the events in order, and checks them on the way. The first
// problem is yielded with a zero Event, wraps ErrUnsealed, ErrEdited or
// ErrMalformed (or is the error of reading the file) and ends the sequence. A
// sequence that was ranged to its end without an error is complete and
// unedited; one that was left early proves nothing about the rest.
//
// An event's Detail is valid until the next iteration: keep a [Event.Clone].
// Its strings may be kept.
func (h *History) Events() iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		err := h.each(func(e *Event) bool { return yield(*e, nil) })
		if err != nil {
			yield(Event{}, err)
		}
	}
}

// each calls see until it returns false, which is no error.
func (h *History) each(see func(*Event) bool) error {
	if h.path == "" {
		return h.eachInMemory(see)
	}
	file, err := os.Open(h.path)
	if err != nil {
		return fmt.Errorf("open history: %w", err)
	}
	defer file.Close() // only read: nothing can be lost
	if err := h.eachInFile(file, see); err != nil {
		return fmt.Errorf("%s: %w", h.path, err)
	}
	return nil
}

func (h *History) eachInMemory(see func(*Event) bool) error {
	var o order
	for _, e := range h.events {
		if err := o.check(&e); err != nil {
			return err
		}
		if !see(&e) {
			return nil
		}
	}
	return nil
}

func (h *History) eachInFile(file io.Reader, see func(*Event) bool) error {
	r := newReader(file)
	_, line, err := r.header()
	if err != nil {
		return err
	}
	if !bytes.Equal(line, h.line) {
		return fmt.Errorf("%w: its header has changed since it was opened", ErrEdited)
	}
	for {
		e, err := r.next()
		if errors.Is(err, io.EOF) {
			sum := hex.EncodeToString(r.sum)
			h.seal.Store(&sum)
			return nil
		}
		if err != nil {
			return err
		}
		if !see(e) {
			return nil
		}
	}
}
