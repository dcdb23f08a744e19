// Package duplicates counts the subjects that took effect more than once.
//
// A subject is what must happen once: a job's step, a cron slot. It took effect
// each time the witness accepted an effect of it (200); one that the witness
// had seen before (208) did not happen again and is a redelivery. A system
// without stable keys is caught, because the witness de-duplicates by key and
// this counts by subject.
//
// An effect of a subject that was submitted is a job's effect, whatever kind it
// was reported under. The witness accepts the kind "record" every time; one that
// comes again under the key of the subject's first effect is a redelivery.
// Records of anything else promise nothing and are left out.
//
// Minimum evidence: one accepted effect, and a completed drain: a duplicate may
// come as late as the system's longest lease or sweep. Of a system that takes
// jobs, besides: an acknowledged submission (at least a tenth of all, or a
// hundred), an effect of a submitted subject, and, where faults were injected,
// work under way while each was in effect: a submission, or an acknowledged job
// that had no effect yet. Without all that, what was found is still proved and
// fails.
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
		Doc:      "Counts subjects with more than one accepted effect. Effects of the kind record count where their subject was submitted.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"exactly-once"},
		Needs:    "an acknowledged submission, an accepted effect of it, work under way while each fault was in effect, and a completed drain",
		New: func(h history.Header) gates.Meter {
			return &meter{jobs: gates.NewJobs(h), firsts: gates.NewFirsts()}
		},
	}
}

type meter struct {
	rest     gates.Rest
	jobs     gates.Jobs
	stake    gates.Stake
	firsts   gates.Firsts
	accepted int
	found    gates.Measurement
}

// Observe remembers the first accepted effect of each subject.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	m.stake.Observe(e)
	effect, ok := e.Effect()
	if !ok || effect.Outcome != history.Accepted {
		return
	}
	record := effect.Kind == history.KindRecord
	if record && !m.jobs.Submitted(e) {
		return
	}
	m.accepted++
	first, sameKey := m.firsts.Take(e)
	if first.Seq == uint32(e.Seq) || record && sameKey { // whoever de-duplicates by key would not have done it again
		return
	}
	if first.Counted {
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
		return
	}
	first.Counted = true
	m.found.Value++
	m.found.Evidence = gates.AppendEvidence(m.found.Evidence, uint64(first.Seq), e.Seq)
	if m.found.Note == "" {
		m.found.Note = fmt.Sprintf("%q took effect at event %d and again at event %d", effect.Subject, first.Seq, e.Seq)
	}
}

// Measure is the number of subjects with more than one accepted effect.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.N, found.AtLeast = m.accepted, found.Value > 0
	if found.Note == "" {
		found.Note = m.jobs.Foreign()
	}
	found.Missing = m.missing()
	return found
}

// missing says why there may be more than were found.
func (m *meter) missing() string {
	if why := m.jobs.Missing(); why != "" {
		return why
	}
	if m.accepted == 0 {
		return "no effect was accepted"
	}
	if why := m.rest.NotDrained(); why != "" {
		return why
	}
	return m.stake.Idle()
}
