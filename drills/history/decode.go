package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"
)

// Clone returns a copy of e whose Detail may be kept.
func (e *Event) Clone() Event {
	c := *e
	c.Detail = slices.Clone(e.Detail)
	return c
}

// DecodeEffect reads the detail of an effect: [Decode], many times faster for
// what [EffectDetail] wrote, and the same for everything else.
func DecodeEffect(e *Event) (Effect, error) {
	var v Effect
	s := scanner{b: e.Detail}
	s.expect(`{"replica":`)
	v.Replica = string(s.text())
	s.expect(`,"subject":`)
	v.Subject = string(s.text())
	s.expect(`,"kind":`)
	v.Kind = kindOf(s.text())
	if s.accept(`,"leadership":`) {
		v.Leadership = string(s.text())
	}
	if s.accept(`,"term":`) {
		v.Term = s.uint()
	}
	if s.accept(`,"attempt":`) {
		v.Attempt = s.int()
	}
	if s.accept(`,"call":`) {
		v.Call = s.uint()
	}
	s.expect(`,"outcome":`)
	v.Outcome = outcomeOf(s.text())
	s.expect(`}`)
	if !s.done() {
		return Decode[Effect](e)
	}
	return v, nil
}

// DecodeSubmit reads the detail of a submission: [Decode], many times faster
// for what [SubmitDetail] wrote, and the same for everything else.
func DecodeSubmit(e *Event) (Submit, error) {
	var v Submit
	s := scanner{b: e.Detail}
	s.expect(`{"subject":`)
	v.Subject = string(s.text())
	s.expect(`,"intended":`)
	v.Intended = time.Duration(s.uint())
	if s.accept(`,"replica":`) {
		v.Replica = string(s.text())
	}
	if s.accept(`,"attempts":`) {
		v.Attempts = s.int()
	}
	if s.accept(`,"concurrency_key":`) {
		v.ConcurrencyKey = string(s.text())
	}
	if s.accept(`,"kind":`) {
		v.Kind = string(s.text())
	}
	s.expect(`}`)
	if !s.done() {
		return Decode[Submit](e)
	}
	return v, nil
}

// decodeEvent reads one line. e.Detail may alias it.
func decodeEvent(line []byte, e *Event, known names) error {
	if decodeFast(line, e, known) {
		return nil
	}
	*e = Event{}
	return decodeStrict(line, e)
}

// decodeFast reads a line in the form of appendEvent, and reports whether it
// was one.
func decodeFast(line []byte, e *Event, known names) bool {
	*e = Event{}
	s := scanner{b: line}
	s.expect(`{"seq":`)
	e.Seq = s.uint()
	s.expect(`,"at":`)
	e.At = time.Duration(s.uint())
	s.expect(`,"actor":`)
	e.Actor = known.name(s.text())
	s.expect(`,"op":`)
	e.Op = known.name(s.text())
	s.expect(`,"phase":`)
	e.Phase, _ = phaseOf(s.text()) // an unknown one is for the caller to judge
	if s.accept(`,"key":`) {
		e.Key = string(s.text())
	}
	if s.accept(`,"detail":`) {
		e.Detail = s.value()
	}
	if s.accept(`,"err":`) {
		e.Err = string(s.text())
	}
	s.expect(`}`)
	return s.done()
}

// decodeStrict reads one JSON value with encoding/json: no unknown fields, and
// nothing after it.
func decodeStrict(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// names keeps one copy of each actor and operation, of which there are few.
type names map[string]string

const maxNames = 4096 // beyond it they are no names, and not kept

func (n names) name(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(n) < maxNames {
		n[s] = s
	}
	return s
}

// phaseOf, kindOf and outcomeOf give the constants without allocating.

func phaseOf(b []byte) (phase Phase, known bool) {
	switch Phase(b) {
	case Invoke:
		return Invoke, true
	case OK:
		return OK, true
	case Fail:
		return Fail, true
	case Info:
		return Info, true
	}
	return Phase(b), false
}

func kindOf(b []byte) string {
	switch string(b) {
	case KindOnce:
		return KindOnce
	case KindFenced:
		return KindFenced
	case KindRecord:
		return KindRecord
	}
	return string(b)
}

func outcomeOf(b []byte) Outcome {
	switch Outcome(b) {
	case Accepted:
		return Accepted
	case Seen:
		return Seen
	case Stale:
		return Stale
	case Failed:
		return Failed
	}
	return Outcome(b)
}
