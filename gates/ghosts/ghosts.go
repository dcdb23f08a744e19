// Package ghosts counts the submissions that were refused and took effect anyway.
//
// A refusal (phase fail) is a promise: every replica that was asked was certain
// that nothing has happened, or ever will. A client may go on and do the work
// elsewhere, so that an effect of it afterwards is a job done behind its back. A
// submission whose outcome is open (info) promises nothing, and neither does one
// that was repeated and then acknowledged, or is open: it is no ghost.
//
// Effects of subjects that nobody submitted and no leadership stands for are
// remarked on and not counted: a system may report more than its jobs.
//
// Minimum evidence: an acknowledged submission (at least a tenth of all, or a
// hundred), an effect of a submitted subject, and a completed drain: a ghost may
// come as late as the system's longest lease or sweep. That nothing was refused is
// no lack of evidence, and a pass says so. Without the drain, what was found is
// still proved and fails.
//
// What makes it fail: an effect, accepted or seen before, of a refused submission.
package ghosts

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "ghosts".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "ghosts",
		Summary:  "submissions that were refused and took effect anyway",
		Doc:      "Counts subjects that a client was told are refused for certain, and of which the witness has an effect all the same.",
		Unit:     gates.Count,
		Act:      true,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, an effect of it, and a completed drain",
		New:      func(h history.Header) gates.Meter { return &meter{jobs: gates.NewJobs(h)} },
	}
}

// job is what is known of a subject.
type job struct {
	refused, effect uint32 // the first events of either
	open            bool   // it was acknowledged as well, or its outcome is open
	underWay        bool
}

func (j job) ghost() bool { return j.refused != 0 && j.effect != 0 && !j.open && !j.underWay }

type meter struct {
	rest gates.Rest
	jobs gates.Jobs
	of   gates.Column[job]
}

// Observe remembers what was refused and what took effect.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	if _, ok := e.Submit(); ok {
		m.submission(e)
		return
	}
	if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" { // with an error, its key was another subject's
		subject, _ := e.Subject()
		if j := m.of.At(subject); j.effect == 0 {
			j.effect = uint32(e.Seq)
		}
	}
}

func (m *meter) submission(e *gates.Event) {
	subject, _ := e.Subject()
	j := m.of.At(subject)
	j.underWay = e.Phase == history.Invoke
	switch e.Phase {
	case history.Fail:
		if j.refused == 0 {
			j.refused = uint32(e.Seq)
		}
	case history.OK, history.Info:
		j.open = true
	}
}

// Measure is the number of subjects that were refused and took effect.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{Missing: m.missing()}
	var first job
	for j := range m.of.Values() {
		if j.refused != 0 {
			found.N++
		}
		if !j.ghost() {
			continue
		}
		if found.Value++; found.Value == 1 {
			first = j
		}
		found.Evidence = gates.AppendEvidence(found.Evidence, uint64(j.refused), uint64(j.effect))
	}
	found.AtLeast = found.Value > 0
	switch {
	case found.Value > 0:
		found.Note = fmt.Sprintf("of %d that were refused: the first was refused at event %d, and has its effect at event %d", found.N, first.refused, first.effect)
	case m.jobs.Foreign() != "":
		found.Note = m.jobs.Foreign()
	case found.N == 0:
		found.Note = "nothing was refused"
	}
	return found
}

// missing says why there may be more than were found.
func (m *meter) missing() string {
	if why := m.jobs.Missing(); why != "" {
		return why
	}
	return m.rest.NotDrained()
}
