// Package duplicates counts the subjects that took effect more than once.
//
// A subject is what must happen once: a job's step, a cron slot. It took effect
// each time the witness accepted an effect of it (200); one that the witness
// had seen before (208) did not happen again and is a redelivery. Effects of
// the kind "record" promise nothing and are left out. A system without stable
// keys is caught, because the witness de-duplicates by key and this counts by
// subject.
//
// Minimum evidence: one accepted effect, and a completed drain: a duplicate may
// come as late as the system's longest lease or sweep. Without the drain, what
// was found is still proved and fails.
//
// What makes it fail: two accepted effects of one subject under different keys.
package duplicates

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "duplicates".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "duplicates",
		Summary:  "subjects that took effect more than once",
		Doc:      "Counts subjects of the kinds once and fenced with more than one accepted effect.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"exactly-once"},
		Needs:    "an accepted effect and a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

// counted marks, beside the number of the first accepted effect, a subject that
// has been counted as a duplicate.
const counted = 1 << 31

type meter struct {
	rest     gates.Rest
	first    gates.Column[uint32] // number of the first accepted effect
	accepted int
	found    gates.Measurement
}

// Observe remembers the first accepted effect of each subject.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	effect, ok := e.Effect()
	if !ok || effect.Outcome != history.Accepted || effect.Kind == history.KindRecord {
		return
	}
	subject, _ := e.Subject()
	m.accepted++
	first := m.first.At(subject)
	switch {
	case *first == 0:
		*first = uint32(e.Seq)
	case *first&counted == 0:
		m.found.Value++
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, uint64(*first), e.Seq)
		if m.found.Note == "" {
			m.found.Note = fmt.Sprintf("%q took effect at event %d and again at event %d", effect.Subject, *first, e.Seq)
		}
		*first |= counted
	default:
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
	}
}

// Measure is the number of subjects with more than one accepted effect.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.N, found.AtLeast = m.accepted, found.Value > 0
	found.Missing = m.rest.NotDrained()
	if m.accepted == 0 {
		found.Missing = "no effect was accepted"
	}
	return found
}
