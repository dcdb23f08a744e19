package witness

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/drillrun/drillrun/drills/history"
)

// The limits of the wire format, in bytes.
const (
	maxEffect = 64 << 10
	maxBatch  = 4 << 20
	maxString = 1 << 10
)

// effect is one effect as a replica reports it.
type effect struct {
	Subject    string `json:"subject"`
	Key        string `json:"key"`
	Kind       string `json:"kind"`
	Leadership string `json:"leadership"`
	Term       uint64 `json:"term"`
	Attempt    int    `json:"attempt"`
}

// errFollows is what decodeStrict finds behind the one value that it reads.
var errFollows = errors.New("something follows it")

// decodeEffect reads exactly one effect. Its errors are for the sender to read.
func decodeEffect(text []byte) (effect, error) {
	var e effect
	if len(text) > maxEffect {
		return e, fmt.Errorf("an effect has at most %d bytes, this one has %d", maxEffect, len(text))
	}
	switch err := decodeStrict(text, &e); {
	case errors.Is(err, io.EOF):
		return e, errors.New("it is empty: an effect is a JSON object")
	case errors.Is(err, errFollows):
		return e, errors.New("something follows the effect; to send several, one a line, use Content-Type application/x-ndjson")
	case err != nil:
		return e, fmt.Errorf("not an effect: %w", err)
	}
	return e, e.check()
}

// decodeStrict reads one JSON value without unknown fields and with nothing
// after it. Where there is none at all, the error is io.EOF.
func decodeStrict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errFollows
	}
	return nil
}

// detail is the effect as the history has it, before it is decided about.
func (e *effect) detail(replica string) history.Effect {
	return history.Effect{
		Replica: replica, Subject: e.Subject, Kind: e.Kind,
		Leadership: e.Leadership, Term: e.Term, Attempt: e.Attempt,
	}
}

func (e *effect) check() error {
	for _, field := range []struct {
		name, value string
		required    bool
	}{
		{"subject", e.Subject, true},
		{"key", e.Key, true},
		{"kind", e.Kind, true},
		{"leadership", e.Leadership, e.Kind == history.KindFenced},
	} {
		if err := checkString(field.name, field.value, field.required); err != nil {
			return err
		}
	}
	switch e.Kind {
	case history.KindOnce, history.KindFenced, history.KindRecord:
	default:
		return fmt.Errorf("kind %q is none of %q, %q, %q", e.Kind, history.KindOnce, history.KindFenced, history.KindRecord)
	}
	if e.Attempt < 0 {
		return fmt.Errorf("attempt is %d", e.Attempt)
	}
	return nil
}

// checkString is the check of every string in what is sent.
func checkString(name, value string, required bool) error {
	switch {
	case required && value == "":
		return fmt.Errorf("%s is missing", name)
	case len(value) > maxString:
		return fmt.Errorf("%s has %d bytes, at most %d are allowed", name, len(value), maxString)
	case strings.ContainsRune(value, utf8.RuneError):
		// What encoding/json puts for bytes that are no text: different keys would become one.
		return fmt.Errorf("%s is not UTF-8, or has U+FFFD in it, the mark of text that was not", name)
	}
	return nil
}
