// Package redeliveries counts the effects that the witness had seen before
// (208): work that was done again and did no harm. A cost, not a fault; in a
// calm scenario there is no reason for any.
//
// A job's effect of the kind "record" is accepted every time; under the key of
// the job's first effect it counts like one that was seen before.
//
// Minimum evidence: one effect, and a completed drain, because work may be
// delivered again as late as the system's longest lease or sweep. Of a system
// that takes jobs, besides: an acknowledged submission (at least a tenth of all,
// or a hundred), an effect of a submitted subject, and, where faults were
// injected, work under way while each was in effect.
//
// What makes it fail: an effect with a key that the witness knows.
package redeliveries

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "redeliveries".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "redeliveries",
		Summary: "effects that the witness had seen before: work done again without harm",
		Doc:     "Counts effects that the witness answered as seen (208), and effects of jobs that were accepted again under the same key.",
		Unit:    gates.Count,
		Needs:   "an acknowledged submission and its effect, work under way while each fault was in effect, and a completed drain",
		New: func(h history.Header) gates.Meter {
			return &meter{jobs: gates.NewJobs(h), firsts: gates.NewFirsts()}
		},
	}
}

type meter struct {
	rest   gates.Rest
	jobs   gates.Jobs
	stake  gates.Stake
	firsts gates.Firsts
	found  gates.Measurement
}

// Observe counts effects that were seen before.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	m.stake.Observe(e)
	effect, ok := e.Effect()
	if !ok {
		return
	}
	m.found.N++
	if effect.Outcome != history.Seen && !m.again(e, effect) {
		return
	}
	m.found.Value++
	m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
	if m.found.Note == "" {
		m.found.Note = fmt.Sprintf("%s repeated %q at event %d", effect.Replica, effect.Subject, e.Seq)
	}
}

// again says whether a job's effect was accepted again under the same key, as the
// kind "record" is.
func (m *meter) again(e *gates.Event, effect *history.Effect) bool {
	if effect.Outcome != history.Accepted || !m.jobs.Submitted(e) {
		return false
	}
	first, sameKey := m.firsts.Take(e)
	return first.Seq != uint32(e.Seq) && sameKey
}

// Measure is the number of effects that were seen before.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.AtLeast = found.Value > 0
	found.Missing = m.missing()
	return found
}

// missing says why there may be more than were found.
func (m *meter) missing() string {
	if why := m.jobs.Missing(); why != "" {
		return why
	}
	if m.found.N == 0 {
		return "no effect arrived"
	}
	if why := m.rest.NotDrained(); why != "" {
		return why
	}
	return m.stake.Idle()
}
