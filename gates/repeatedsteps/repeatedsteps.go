// Package repeatedsteps counts the calls that repeat a finished step of a job:
// whether a job that another replica takes over goes on where it was, or begins
// again.
//
//	replica-1  1-network ─ 2-attach ─ ✗
//	replica-2                            2-attach ─ 3-start        goes on
//	replica-2                            1-network ─ 2-attach …    repeats
//
// A call belongs to a step by its subject, "<kind>/<job>/<n>-<step>" and perhaps
// more behind a slash, with n the number of the step from 1. A step is finished
// when a call of a later step of its job arrives. The step in hand may be
// repeated: nobody can know whether it was carried out.
//
// A call that a paused replica had on its way, and sends when it wakes up, counts
// too if the job has gone on without it: this gate is for replicas that die.
//
// Minimum evidence: a job that had come to its second step in the hands of a
// replica when a fault hit that, which was proved to be in effect; that went on
// after it; and a completed drain. Without such a job nothing was taken over
// that could have been repeated.
//
// What makes it fail: steps that are not recorded, or not looked at by whoever
// takes the job over.
package repeatedsteps

import (
	"fmt"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "repeated_steps".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "repeated_steps",
		Summary:  "calls that repeat a finished step of a job",
		Doc:      "Counts the calls of a step that arrive after a call of a later step of the same job has.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "a job at its second step or later in the hands of a replica that a proved fault hit, that went on, and a completed drain",
		New: func(history.Header) gates.Meter {
			return &meter{seed: maphash.MakeSeed(), jobs: map[uint64]job{}, struck: map[string]*gates.FaultLife{}}
		},
	}
}

type meter struct {
	faults gates.Faults
	rest   gates.Rest
	seed   maphash.Seed
	jobs   map[uint64]job
	names  []string                    // of replicas, by their number
	struck map[string]*gates.FaultLife // the latest fault that hit a victim
	moved  []*gates.FaultLife          // those that left a job which went on
	calls  int
	found  gates.Measurement
}

// job is how far a job has come.
type job struct {
	step    uint32 // the latest
	seq     uint32 // of its latest call
	replica uint32 // which sent that
}

// Observe follows the steps of each job.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if c, ok := e.Call(); ok {
		if e.Phase == history.Invoke && c.Kind == history.KindOnce {
			m.call(e, c)
		}
		return
	}
	life := m.faults.Observe(e.Event)
	if life != nil && e.Op == history.OpInject && e.Phase == history.Invoke && !life.Detail.Mild {
		for _, victim := range life.Detail.Victims {
			m.struck[victim] = life
		}
	}
}

func (m *meter) call(e *gates.Event, c *history.Effect) {
	name, step, ok := parse(c.Subject)
	if !ok {
		return
	}
	m.calls++
	hash := maphash.String(m.seed, name)
	j := m.jobs[hash]
	m.follow(j)
	if step < j.step {
		m.found.Value++
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, uint64(j.seq), e.Seq)
		if m.found.Note == "" {
			m.found.Note = fmt.Sprintf("%s called for %q after step %d of that job had begun", c.Replica, c.Subject, j.step)
		}
	}
	m.jobs[hash] = job{step: max(j.step, step), seq: uint32(e.Seq), replica: m.number(c.Replica)}
}

// follow notes that a job goes on, where a fault has hit the replica that had it
// at a step which is not the first.
func (m *meter) follow(j job) {
	if j.step < 2 {
		return
	}
	life := m.struck[m.names[j.replica]]
	if life != nil && life.Begun.Seq > uint64(j.seq) && !slices.Contains(m.moved, life) {
		m.moved = append(m.moved, life)
	}
}

// number is that of a replica: there are few.
func (m *meter) number(replica string) uint32 {
	i := slices.Index(m.names, replica)
	if i < 0 {
		i = len(m.names)
		m.names = append(m.names, replica)
	}
	return uint32(i)
}

// parse takes a subject apart: "provision/ab12-1-7/2-attach".
func parse(subject string) (job string, step uint32, ok bool) {
	parts := strings.SplitN(subject, "/", 4)
	if len(parts) < 3 {
		return "", 0, false
	}
	number, _, dashed := strings.Cut(parts[2], "-")
	n, err := strconv.ParseUint(number, 10, 32)
	return parts[0] + "/" + parts[1], uint32(n), dashed && err == nil && n > 0
}

// Measure is the number of calls that repeat a step.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	found.N, found.AtLeast = m.calls, found.Value > 0
	proved := slices.ContainsFunc(m.moved, func(l *gates.FaultLife) bool { return l.InEffect.Happened() })
	switch {
	case m.calls == 0:
		found.Missing = "no call for a step of a job arrived"
	case !proved:
		found.Missing = "no job went on that was at its second step or later in the hands of a replica when a proved fault hit that"
	default:
		found.Missing = m.rest.NotDrained()
	}
	return found
}
