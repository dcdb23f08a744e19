// Package misreported counts the jobs of which the system tells something else, at
// rest, than the witness has seen.
//
// A job that has its effect must be told done. One without must not be; what else
// it is told is none of this gate's business, since package lost has it. A job that
// was planted to fail must be told dead.
//
// An effect counts against "not done" only if it came before the drain was completed,
// and for "done" if it came before the answer: what came in between may be told either
// way. Answers that were given before a completed drain count for nothing.
//
// Minimum evidence: an acknowledged submission, a completed drain, and after it an
// answer about each job that was asked about. A job that no replica has told of may be
// one more.
//
// What makes it fail: done without an effect, anything else with one, and anything but
// dead of a job that was planted to fail.
package misreported

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "misreported".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "misreported",
		Summary:  "jobs of which the system tells something else than the witness has seen",
		Doc:      "After a completed drain, \"read jobs\" asks what became of acknowledged jobs. Counts those told done without an effect, those told open, dead or unknown with one, and those planted to fail that are not told dead.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and then an answer about each job asked about (\"read jobs\")",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	rest    gates.Rest
	settled uint32               // the event that completed the last drain
	effects gates.Column[uint32] // the first effect of each subject
	told    gates.Measurement    // by answers at rest
	silent  int                  // jobs that no replica has told of
	why     string               // the reason for the first of them
	nobody  string               // why none could be asked
	early   bool                 // an answer came before a completed drain
}

// Observe holds each answer against the effects so far.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if e.Op == history.OpDrain {
		m.settled = uint32(e.Seq)
	}
	if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" { // with an error, its key was another subject's
		subject, _ := e.Subject()
		if first := m.effects.At(subject); *first == 0 {
			*first = uint32(e.Seq)
		}
	}
	if read, ok := e.Told(); ok {
		m.answer(e, read)
	}
}

func (m *meter) answer(e *gates.Event, read *history.Read) {
	switch {
	case !m.rest.Drained():
		m.early = true
		return
	case e.Phase != history.OK && read.Subject == "":
		m.nobody = e.Err
		return
	case e.Phase != history.OK:
		if m.silent++; m.silent == 1 {
			m.why = e.Err
		}
		return
	}
	subject, _ := e.Subject()
	effect := *m.effects.At(subject)
	m.told.N++
	if wrong := m.wrong(read, effect); wrong != "" {
		if m.told.Value++; m.told.Value == 1 {
			m.told.Note = fmt.Sprintf("%s says of %s: %s; %s", read.Replica, read.Subject, read.State, wrong)
		}
		if effect != 0 {
			m.told.Evidence = gates.AppendEvidence(m.told.Evidence, uint64(effect))
		}
		m.told.Evidence = gates.AppendEvidence(m.told.Evidence, e.Seq)
	}
}

// wrong says what stands against an answer, given the job's first effect.
func (m *meter) wrong(read *history.Read, effect uint32) string {
	done := read.State == history.ToldDone
	switch {
	case history.Poisoned(read.Subject) && read.State != history.ToldDead:
		return "it was planted to fail, and is to be given up"
	case history.Poisoned(read.Subject):
		return ""
	case done && effect == 0:
		return "it has had no effect"
	case !done && effect != 0 && effect < m.settled:
		return fmt.Sprintf("it had its effect at event %d", effect)
	}
	return ""
}

// Measure is the number of answers that something stands against.
func (m *meter) Measure() gates.Measurement {
	found := m.told
	found.Missing = m.missing()
	found.AtLeast = found.Missing != "" && found.Value > 0
	return found
}

// missing says why more answers may be wrong than are known to be.
func (m *meter) missing() string {
	switch {
	case m.rest.Acknowledged() == 0:
		return "no submission was acknowledged"
	case m.rest.NotDrained() != "":
		return m.rest.NotDrained()
	case m.nobody != "":
		return m.nobody
	case m.silent > 0:
		return fmt.Sprintf("no answer: %s (%d of %d)", m.why, m.silent, m.silent+m.told.N)
	case m.told.N == 0 && m.early:
		return "the system was asked before the drain was completed: what it said then may have been true"
	case m.told.N == 0:
		return "nobody asked what became of the jobs: write \"read jobs\" after \"drain\""
	}
	return ""
}
