// Package doublecalls counts the subjects that a backend carried out more than
// once: what duplicates is for the effects of jobs.
//
// A subject is what must happen once at that backend: a step of a job, a slot of
// a singleton. It happened each time the backend accepted a call for it; one that
// the backend had seen before did not happen again. Calls of the kind "record"
// promise nothing and are left out. A caller without stable keys is caught,
// because backends de-duplicate by key and this counts by subject.
//
// Minimum evidence: an accepted call, and a completed drain: a call may be
// repeated as late as the system's longest lease or sweep. Of a system that takes
// jobs, besides: an acknowledged submission (at least a tenth of all, or a
// hundred) and an effect of a submitted subject. Where faults were injected, work
// under way while each was in effect: a submission, an acknowledged job that had
// no effect yet, or a call. Without all that, what was found is still proved and
// fails.
//
// What makes it fail: two accepted calls for one subject under different keys.
package doublecalls

import (
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "double_calls".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "double_calls",
		Summary:  "subjects that a backend carried out more than once",
		Doc:      "Counts, at each backend, subjects of the kinds once and fenced with more than one accepted call.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"exactly-once"},
		Needs:    "an accepted call, an acknowledged submission and its effect, work under way while each fault was in effect, and a completed drain",
		New: func(h history.Header) gates.Meter {
			return &meter{jobs: gates.NewJobs(h), seed: maphash.MakeSeed(), first: map[uint64]uint32{}}
		},
	}
}

// counted marks, beside the number of the first accepted call, a subject that has
// been counted.
const counted = 1 << 31

type meter struct {
	rest     gates.Rest
	jobs     gates.Jobs
	stake    gates.Stake
	seed     maphash.Seed
	first    map[uint64]uint32 // number of the first accepted call, by backend and subject
	accepted int
	found    gates.Measurement
}

// Observe remembers the first accepted call of each subject.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	m.stake.Observe(e)
	c, ok := e.Call()
	if !ok || c.Outcome != history.Accepted || c.Kind == history.KindRecord {
		return
	}
	m.accepted++
	subject := maphash.Comparable(m.seed, [2]string{e.Actor, c.Subject})
	first := m.first[subject]
	switch {
	case first == 0:
		m.first[subject] = uint32(e.Seq)
		return
	case first&counted != 0:
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
		return
	}
	m.first[subject] = first | counted
	m.found.Value++
	m.found.Evidence = gates.AppendEvidence(m.found.Evidence, uint64(first), e.Seq)
	if m.found.Note == "" {
		backend := strings.TrimPrefix(e.Actor, gates.BackendPrefix)
		m.found.Note = fmt.Sprintf("%s carried out %q at event %d and again at event %d", backend, c.Subject, first, e.Seq)
	}
}

// Measure is the number of subjects with more than one accepted call.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.N, found.AtLeast = m.accepted, found.Value > 0
	found.Missing = m.missing()
	return found
}

// missing says why there may be more than were found.
func (m *meter) missing() string {
	if why := m.jobs.Missing(); why != "" {
		return why
	}
	if m.accepted == 0 {
		return "no call was accepted"
	}
	if why := m.rest.NotDrained(); why != "" {
		return why
	}
	return m.stake.Quiet()
}
