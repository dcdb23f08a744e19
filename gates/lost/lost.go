// Package lost counts the acknowledged submissions that never had an effect.
//
// A submission is acknowledged when a client was told so (phase ok). It had an
// effect when the witness accepted one of its subject, of whatever kind, or had
// seen it before. An effect that was refused as stale is none. A submission whose
// outcome is open (info) was never acknowledged: the system owes it nothing.
//
// A job that was planted to fail owes no effect but a dead letter. The stores
// count dead letters and do not name them: letters of open plants may stand for
// those of acknowledged ones, which leaves an interval. That a letter of another
// job stands for one that is missing here is package deadletters's to rule out.
//
// Minimum evidence: an acknowledged submission (at least a tenth of all, or a
// hundred), and a completed drain: before that, what has no effect may still be
// under way. Where faults were injected, work under way while each was in effect:
// a submission, or an acknowledged job that had no effect yet. Where jobs were
// planted to fail, the counts of dead letters before and after, and no effect of
// such a job: a system that does them is not put to the test by them. An effect
// of anybody: where none ever arrived, or none of a job and the witness has
// refused requests, the system cannot reach the witness as it should, and nothing
// is known of its jobs.
//
// What makes it fail: after a completed drain, an acknowledged subject without
// an effect, or fewer new dead letters than acknowledged and open jobs planted to
// fail can explain.
package lost

import (
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
		Needs:    "acknowledged submissions (a tenth of all, or 100), an effect of anybody, work under way while each fault was in effect, and a completed drain",
		New:      func(h history.Header) gates.Meter { return &meter{header: h, jobs: gates.NewJobs(h)} },
	}
}

// done marks, beside the number of the acknowledgement, a subject that had an
// effect.
const done = 1 << 31

type meter struct {
	header   history.Header
	rest     gates.Rest
	jobs     gates.Jobs
	stake    gates.Stake
	refusals gates.Refusals
	acked    gates.Column[uint32] // number of the first acknowledgement
	planted  gates.Column[uint32] // the same of a job that was planted to fail
	kind     gates.Column[uint8]  // of the job, as a number
	kinds    []string
	open     int // jobs planted to fail that nobody knows to be taken
	effects  int // of anybody
}

// Observe remembers of each subject whether it was acknowledged and done.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.jobs.Observe(e)
	m.stake.Observe(e)
	m.refusals.Observe(e)
	if effect, ok := e.Effect(); ok {
		m.effects++
		if effect.Outcome != history.Stale && e.Err == "" { // with an error, its key was another subject's
			*m.state(e, effect.Subject) |= done
		}
		return
	}
	if submit, ok := e.Submit(); ok {
		m.submission(e, submit)
	}
}

func (m *meter) submission(e *gates.Event, submit *history.Submit) {
	if e.Phase == history.Info && history.Poisoned(submit.Subject) {
		m.open++
	}
	if e.Phase != history.OK {
		return
	}
	if state := m.state(e, submit.Subject); *state&^done == 0 {
		*state |= uint32(e.Seq)
	}
	if submit.Kind != "" {
		subject, _ := e.Subject()
		*m.kind.At(subject) = m.number(submit.Kind)
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
	found := gates.Measurement{N: m.rest.Acknowledged(), Final: m.rest.Drained()}
	for state := range m.acked.Values() {
		if owed(state) {
			found.Value++
			found.Evidence = gates.AppendEvidence(found.Evidence, uint64(state))
		}
	}
	switch {
	case found.N == 0:
		return gates.Measurement{Missing: "no submission was acknowledged"}
	case m.rest.NotDrained() != "":
		return gates.Measurement{N: found.N, Value: found.Value, Missing: m.rest.NotDrained()}
	case found.Value > 0 && m.unwired() != "":
		return gates.Measurement{N: found.N, Missing: m.unwired()}
	case found.Value > 0:
		found.Note = m.tell(found)
	}
	found.Missing = m.missing()
	m.missed(&found)
	found.AtLeast = found.Value > 0 || found.Most > 0
	return found
}

// owed says whether a subject was acknowledged and not done.
func owed(state uint32) bool { return state != 0 && state&done == 0 }

// missing says why there may be more, or why nothing was put to the test.
func (m *meter) missing() string {
	if few := m.jobs.Few(); few != "" {
		return few
	}
	return m.stake.Idle()
}

// unwired says why the system seems not to reach the witness at all.
func (m *meter) unwired() string {
	refused := m.refusals.Tell()
	switch {
	case m.effects == 0 && refused != "":
		return "no effect of anybody ever arrived, and " + refused
	case m.effects == 0:
		return "no effect of anybody ever arrived: does the system report its effects to the witness, with its own token?"
	case m.jobs.Done() == 0 && refused != "":
		return "no effect of any job ever arrived, and " + refused
	}
	return ""
}
