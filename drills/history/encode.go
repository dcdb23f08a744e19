package history

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// The encoders below write, without reflection, the very bytes that
// encoding/json writes with HTML escaping off. The readers' fast path knows
// exactly this form.

func headerLine(h Header) ([]byte, error) {
	b, err := json.Marshal(struct {
		Header Header `json:"header"`
	}{h})
	if err != nil {
		return nil, fmt.Errorf("encode header: %w", err)
	}
	return append(b, '\n'), nil
}

func sealLine(count uint64, digest []byte) []byte {
	b := append([]byte(nil), sealPrefix...)
	b = strconv.AppendUint(b, count, 10)
	b = append(b, `,"sha256":"`...)
	b = hex.AppendEncode(b, digest)
	return append(b, "\"}}\n"...)
}

const sealPrefix = `{"seal":{"count":`

// appendEvent appends e as one line without its end. It refuses what a reader
// would refuse.
func appendEvent(b []byte, e *Event) ([]byte, error) {
	if _, known := phaseOf([]byte(e.Phase)); !known {
		return nil, fmt.Errorf("unknown phase %q", e.Phase)
	}
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, e.Seq, 10)
	b = append(b, `,"at":`...)
	b = strconv.AppendInt(b, int64(e.At), 10)
	b = append(b, `,"actor":`...)
	b = appendString(b, e.Actor)
	b = append(b, `,"op":`...)
	b = appendString(b, e.Op)
	b = append(b, `,"phase":`...)
	b = appendString(b, string(e.Phase))
	if e.Key != "" {
		b = append(b, `,"key":`...)
		b = appendString(b, e.Key)
	}
	if len(e.Detail) > 0 {
		b = append(b, `,"detail":`...)
		var err error
		if b, err = appendDetail(b, e.Detail); err != nil {
			return nil, err
		}
	}
	if e.Err != "" {
		b = append(b, `,"err":`...)
		b = appendString(b, e.Err)
	}
	return append(b, '}'), nil
}

// appendDetail makes sure that a detail is JSON and stays on one line.
func appendDetail(b []byte, detail json.RawMessage) ([]byte, error) {
	if skipValue(detail, 0, 0) == len(detail) {
		return append(b, detail...), nil
	}
	compact := bytes.NewBuffer(b)
	if err := json.Compact(compact, detail); err != nil {
		return nil, fmt.Errorf("detail is not JSON: %w", err)
	}
	return compact.Bytes(), nil
}

// EffectDetail encodes v as [Detail] does, without reflection.
func EffectDetail(v Effect) json.RawMessage {
	b := make([]byte, 0, 128+len(v.Replica)+len(v.Subject)+len(v.Leadership))
	b = append(b, `{"replica":`...)
	b = appendString(b, v.Replica)
	b = append(b, `,"subject":`...)
	b = appendString(b, v.Subject)
	b = append(b, `,"kind":`...)
	b = appendString(b, v.Kind)
	if v.Leadership != "" {
		b = append(b, `,"leadership":`...)
		b = appendString(b, v.Leadership)
	}
	if v.Term != 0 {
		b = append(b, `,"term":`...)
		b = strconv.AppendUint(b, v.Term, 10)
	}
	if v.Attempt != 0 {
		b = append(b, `,"attempt":`...)
		b = strconv.AppendInt(b, int64(v.Attempt), 10)
	}
	if v.Call != 0 {
		b = append(b, `,"call":`...)
		b = strconv.AppendUint(b, v.Call, 10)
	}
	b = append(b, `,"outcome":`...)
	b = appendString(b, string(v.Outcome))
	return append(b, '}')
}

// SubmitDetail encodes v as [Detail] does, without reflection.
func SubmitDetail(v Submit) json.RawMessage {
	b := make([]byte, 0, 100+len(v.Subject)+len(v.Replica)+len(v.ConcurrencyKey)+len(v.Kind))
	b = append(b, `{"subject":`...)
	b = appendString(b, v.Subject)
	b = append(b, `,"intended":`...)
	b = strconv.AppendInt(b, int64(v.Intended), 10)
	if v.Replica != "" {
		b = append(b, `,"replica":`...)
		b = appendString(b, v.Replica)
	}
	if v.Attempts != 0 {
		b = append(b, `,"attempts":`...)
		b = strconv.AppendInt(b, int64(v.Attempts), 10)
	}
	if v.ConcurrencyKey != "" {
		b = append(b, `,"concurrency_key":`...)
		b = appendString(b, v.ConcurrencyKey)
	}
	if v.Kind != "" {
		b = append(b, `,"kind":`...)
		b = appendString(b, v.Kind)
	}
	return append(b, '}')
}

// appendString appends s as a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			b = append(b, s[:i]...)
			return append(appendEscaped(b, s[i:]), '"')
		}
	}
	b = append(b, s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	for i, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b':
			b = append(b, `\b`...)
		case r == '\f':
			b = append(b, `\f`...)
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\r':
			b = append(b, `\r`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r < ' ', r == '\u2028', r == '\u2029':
			b = fmt.Appendf(b, `\u%04x`, r)
		case r == utf8.RuneError && invalidAt(s[i:]):
			b = append(b, `\ufffd`...)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return b
}

// invalidAt tells an invalid byte from a U+FFFD that was written as such.
func invalidAt(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size == 1
}
