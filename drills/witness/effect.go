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

// decodeEffect reads exactly one effect. Its errors are for the sender to read.
func decodeEffect(text []byte) (effect, error) {
	var e effect
	if len(text) > maxEffect {
		return e, fmt.Errorf("an effect has at most %d bytes, this one has %d", maxEffect, len(text))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	switch err := d.Decode(&e); {
	case errors.Is(err, io.EOF):
		return e, errors.New("it is empty: an effect is a JSON object")
	case err != nil:
		return e, fmt.Errorf("not an effect: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("something follows the effect; to send several, one a line, use Content-Type application/x-ndjson")
	}
	return e, e.check()
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
		switch {
		case field.required && field.value == "":
			return fmt.Errorf("%s is missing", field.name)
		case len(field.value) > maxString:
			return fmt.Errorf("%s has %d bytes, at most %d are allowed", field.name, len(field.value), maxString)
		case strings.ContainsRune(field.value, utf8.RuneError):
			// What encoding/json puts for bytes that are no text: different keys would become one.
			return fmt.Errorf("%s is not UTF-8, or has U+FFFD in it, the mark of text that was not", field.name)
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
