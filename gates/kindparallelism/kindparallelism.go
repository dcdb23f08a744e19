// Package kindparallelism counts the most different jobs of one kind that one
// replica worked on at once: the bound of that kind's slots, as the backends
// see it.
//
// A job is at work while a call of one of its steps is under way: from its
// arrival at the backend to its answer, or to the moment when its sender hung
// up. The calls of a job have subjects "KIND/JOB/STEP", and however many of
// them are under way, a step that fans out included, they are one job. A
// replica that ended has nothing under way: what a backend still holds of it
// was given up. That a sender has hung up is noticed a little late;
// [gates.Flights] forgives it a tenth of a second.
//
//	provision/a  ──────invoke═══════ok──────
//	provision/b  ────────invoke════════ok───      two at once
//
// The count is a lower bound of the jobs in hand: between two calls a job is
// not seen. So a scenario that asks for the bound ("parallelism_provision <=
// 20") also asks that it was come close to (">= 15"), or nothing was at stake;
// slow backends make that certain.
//
// Minimum evidence: a call of a job of the kind, and the drill's end or a
// completed drain. A record that breaks off knows the count from below only.
//
// What makes it fail: more jobs at once than the kind has slots; where a
// scenario asks for them, fewer than the load should have kept busy.
package kindparallelism

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Provision is "parallelism_provision".
func Provision() gates.Metric { return metric("provision") }

// Cluster is "parallelism_cluster".
func Cluster() gates.Metric { return metric("cluster") }

// Pipeline is "parallelism_pipeline".
func Pipeline() gates.Metric { return metric("pipeline") }

func metric(kind string) gates.Metric {
	return gates.Metric{
		Name:    "parallelism_" + kind,
		Summary: "most " + kind + " jobs of a replica that had a call to a backend under way at once",
		Doc: "Counts different jobs, not calls. A call is under way from its arrival at the backend until it is answered or its " +
			"sender hangs up or ends.",
		Unit:  gates.Level,
		Least: 1,
		Needs: "a call to a backend of a " + kind + " job, and the drill's end or a completed drain",
		New: func(history.Header) gates.Meter {
			return &meter{kind: kind, replicas: map[string]*gates.AtWork[string]{}}
		},
	}
}

type meter struct {
	kind     string
	calls    gates.Calls
	rest     gates.Rest
	replicas map[string]*gates.AtWork[string] // jobs
	arrived  int                              // calls
}

// Observe follows the jobs that are at work.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	now := gates.Moment{At: e.At, Seq: e.Seq}
	if jobs := m.replicas[e.Actor]; jobs != nil && e.Op == history.OpExit {
		jobs.Drop(e.Actor, now)
		return
	}
	call := m.calls.Observe(e)
	if call == nil {
		return
	}
	job, ok := m.job(call.Effect.Subject)
	if !ok {
		return
	}
	jobs := m.replicas[call.Replica]
	if jobs == nil {
		jobs = &gates.AtWork[string]{}
		m.replicas[call.Replica] = jobs
	}
	if e.Phase == history.Invoke {
		m.arrived++
	}
	jobs.Observe(job, call, e.Phase, now)
}

// job takes the name of a job of the kind out of a subject.
func (m *meter) job(subject string) (name string, ok bool) {
	kind, rest, _ := strings.Cut(subject, "/")
	name, _, ok = strings.Cut(rest, "/")
	return name, ok && kind == m.kind
}

// Measure is the most of any replica.
func (m *meter) Measure() gates.Measurement {
	if m.arrived == 0 {
		return gates.Measurement{Missing: "no call of a " + m.kind + " job was seen"}
	}
	found := gates.Measurement{N: m.arrived, AtLeast: true, Missing: m.rest.CutShort()}
	for _, replica := range slices.Sorted(maps.Keys(m.replicas)) {
		n, seq := m.replicas[replica].Most(found.Missing == "")
		if n > int(found.Value) {
			found.Value, found.Evidence = float64(n), []uint64{seq}
			found.Note = fmt.Sprintf("%s was at %d %s jobs at once", replica, n, m.kind)
		}
	}
	return found
}
