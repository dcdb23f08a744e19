// Package lost counts the acknowledged submissions that never had an effect.
//
// A submission is acknowledged when a client was told so (phase ok). It had an
// effect when the witness accepted one of its subject, or had seen it before.
// An effect that was refused as stale is none. A submission whose outcome is
// open (info) was never acknowledged: the system owes it nothing.
//
// A job that was planted to fail owes no effect but a dead letter. The stores
// count dead letters and do not name them, so that a letter of another job can
// stand for one that is missing here: package deadletters has those.
//
// Minimum evidence: one acknowledged submission, and a completed drain: before
// that, what has no effect may still be under way. Where jobs were planted to
// fail, the counts of dead letters before and after.
//
// What makes it fail: after a completed drain, an acknowledged subject without
// an effect, or fewer new dead letters than acknowledged jobs planted to fail.
package lost

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "lost".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "lost",
		Summary:  "acknowledged submissions without an effect after a completed drain",
		Doc:      "Counts subjects that a client was told are taken, and of which the witness has no effect.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission and a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

// done marks, beside the number of the acknowledgement, a subject that had an
// effect.
const done = 1 << 31

type meter struct {
	rest    gates.Rest
	acked   gates.Column[uint32] // number of the first acknowledgement
	planted gates.Column[uint32] // the same of a job that was planted to fail
}

// Observe remembers of each subject whether it was acknowledged and done.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" { // with an error, its key was another subject's
		*m.state(e, effect.Subject) |= done
		return
	}
	submit, ok := e.Submit()
	if !ok || e.Phase != history.OK {
		return
	}
	if state := m.state(e, submit.Subject); *state&^done == 0 {
		*state |= uint32(e.Seq)
	}
}

// state is what is known of the subject that the event names.
func (m *meter) state(e *gates.Event, name string) *uint32 {
	subject, _ := e.Subject()
	if history.Poisoned(name) {
		return m.planted.At(subject)
	}
	return m.acked.At(subject)
}

// Measure is the number of subjects that were acknowledged and not done. The
// evidence is their acknowledgements.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{N: m.rest.Acknowledged(), Missing: m.rest.NotDrained(), Final: m.rest.Drained()}
	if found.N == 0 {
		found.Missing = "no submission was acknowledged"
	}
	for state := range m.acked.Values() {
		if owed(state) {
			found.Value++
			found.Evidence = gates.AppendEvidence(found.Evidence, uint64(state))
		}
	}
	if found.Value > 0 {
		found.Note = fmt.Sprintf("of %d acknowledged; the first was acknowledged at event %d", found.N, found.Evidence[0])
	}
	return m.missed(found)
}

// owed says whether a subject was acknowledged and not done.
func owed(state uint32) bool { return state != 0 && state&done == 0 }

// missed adds the jobs planted to fail that are not among the dead letters.
func (m *meter) missed(found gates.Measurement) gates.Measurement {
	var planted int64
	for state := range m.planted.Values() {
		if owed(state) {
			planted++
		}
	}
	if planted == 0 || found.Missing != "" {
		return found
	}
	letters, missing := m.rest.Growth(history.CountDeadLetters)
	if missing != "" {
		found.Missing, found.AtLeast = missing, found.Value > 0
		return found
	}
	if lost := planted - (letters.After - letters.Before); lost > 0 {
		found.Value += float64(lost)
		found.Evidence = gates.AppendEvidence(found.Evidence, letters.Evidence...)
		found.Note = fmt.Sprintf("%d of %d jobs that were planted to fail are not among the dead letters", lost, planted)
	}
	return found
}
