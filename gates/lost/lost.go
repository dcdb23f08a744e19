// Package lost counts the acknowledged submissions that never had an effect.
//
// A submission is acknowledged when a client was told so (phase ok). It had an
// effect when the witness accepted one of its subject, or had seen it before.
// An effect that was refused as stale is none. A submission whose outcome is
// open (info) was never acknowledged: the system owes it nothing.
//
// Minimum evidence: one acknowledged submission, and a completed drain: before
// that, what has no effect may still be under way.
//
// What makes it fail: an acknowledged subject without an effect after a
// completed drain.
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
	rest  gates.Rest
	acked gates.Column[uint32] // number of the first acknowledgement
}

// Observe remembers of each subject whether it was acknowledged and done.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e.Event)
	if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" { // with an error, its key was another subject's
		subject, _ := e.Subject()
		*m.acked.At(subject) |= done
		return
	}
	if e.Op != history.OpSubmit || e.Phase != history.OK {
		return
	}
	subject, ok := e.Subject()
	if !ok {
		return
	}
	if at := m.acked.At(subject); *at&^done == 0 {
		*at |= uint32(e.Seq)
	}
}

// Measure is the number of subjects that were acknowledged and not done. The
// evidence is their acknowledgements.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{N: m.rest.Acknowledged(), Missing: m.rest.NotDrained()}
	if found.N == 0 {
		found.Missing = "no submission was acknowledged"
	}
	for state := range m.acked.Values() {
		if state != 0 && state&done == 0 {
			found.Value++
			found.Evidence = gates.AppendEvidence(found.Evidence, uint64(state))
		}
	}
	if found.Value > 0 {
		found.Note = fmt.Sprintf("of %d acknowledged; the first was acknowledged at event %d", found.N, found.Evidence[0])
	}
	return found
}
