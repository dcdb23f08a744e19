package gates

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Event is an event on its way past all meters. Its detail is decoded, and its
// subject looked up, once for all of them and only if one asks.
type Event struct {
	*history.Event
	Header   *history.Header // of the record that it is in
	subjects *subjects
	leases   *history.Leases // by all effects and calls that a meter has asked for
	stake    *stake

	effect  decoded[history.Effect]
	submit  decoded[history.Submit]
	took    decoded[history.Durations]
	told    decoded[history.Read]
	subject Subject
	named   bool // subject is set
	err     error
}

type decoded[T any] struct {
	done bool
	ok   bool
	v    T
}

// reset makes e the carrier of another event.
func (e *Event) reset(ev *history.Event) {
	e.Event = ev
	e.effect.done, e.submit.done, e.took.done, e.told.done, e.named, e.err = false, false, false, false, false, nil
}

// Effect is the detail of an effect's arrival; false for any other event.
func (e *Event) Effect() (*history.Effect, bool) {
	if e.Op != history.OpEffect {
		return nil, false
	}
	return e.acted()
}

// Call is the detail of one end of a call to a backend; false for any other
// event.
func (e *Event) Call() (*history.Effect, bool) {
	if e.Op != history.OpCall {
		return nil, false
	}
	return e.acted()
}

// acted reads the detail of an effect or a call, and learns whether it was done
// under a lease.
func (e *Event) acted() (*history.Effect, bool) {
	first := !e.effect.done
	effect, ok := read(e, &e.effect, history.DecodeEffect)
	if first && ok {
		e.leases.Observe(effect)
	}
	return effect, ok
}

// Leases tells leases from leaderships, by what has been seen so far. A meter that
// keeps it knows more at its end: what was done for one job at first may turn out
// to be a leadership.
func (e *Event) Leases() *history.Leases { return e.leases }

// Durations is what a replica has measured; false for any other event.
func (e *Event) Durations() (*history.Durations, bool) {
	if e.Op != history.OpTook {
		return nil, false
	}
	return read(e, &e.took, func(e *history.Event) (history.Durations, error) {
		d, err := history.Decode[history.Durations](e)
		if err == nil && slices.ContainsFunc(d.Took, func(took time.Duration) bool { return took < 0 }) {
			err = errors.New("something took less than no time")
		}
		return d, err
	})
}

// Submit is the detail of a client's submission; false for any other event.
func (e *Event) Submit() (*history.Submit, bool) {
	if e.Op != history.OpSubmit {
		return nil, false
	}
	return read(e, &e.submit, func(e *history.Event) (history.Submit, error) {
		s, err := history.DecodeSubmit(e)
		if err == nil && s.Intended < 0 {
			err = errors.New("it was meant to be sent before the drill began")
		}
		return s, err
	})
}

// Told is what a replica said of a job; false for any other event.
func (e *Event) Told() (*history.Read, bool) {
	if e.Op != history.OpRead {
		return nil, false
	}
	return read(e, &e.told, history.Decode[history.Read])
}

func read[T any](e *Event, d *decoded[T], decode func(*history.Event) (T, error)) (*T, bool) {
	if d.done {
		return &d.v, d.ok
	}
	v, err := decode(e.Event)
	d.v, d.ok, d.done = v, err == nil, true
	if err != nil {
		e.err = fmt.Errorf("event %d: detail of %s: %w", e.Seq, e.Op, err)
	}
	return &d.v, d.ok
}

// Subject is the subject of an effect, a submission or an answer about a job; false
// for any other event.
func (e *Event) Subject() (Subject, bool) {
	if e.named {
		return e.subject, true
	}
	var name string
	if effect, ok := e.Effect(); ok {
		name = effect.Subject
	} else if submit, ok := e.Submit(); ok {
		name = submit.Subject
	} else if told, ok := e.Told(); ok {
		name = told.Subject
	} else {
		return 0, false
	}
	e.subject, e.named = e.subjects.of(name), true
	return e.subject, true
}

// JobOf yields the subjects that a call may be of, by its own subject: the job of
// that name, then the one before its last slash, and so on. A job is a subject
// that an effect or a submission has named before.
func (e *Event) JobOf(call *history.Effect) iter.Seq[Subject] {
	return func(yield func(Subject) bool) {
		for name, more := call.Subject, true; more; {
			if job, known := e.subjects.known(name); known && !yield(job) {
				return
			}
			end := strings.LastIndexByte(name, '/')
			if more = end >= 0; more {
				name = name[:end]
			}
		}
	}
}
