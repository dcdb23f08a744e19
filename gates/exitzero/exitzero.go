// Package exitzero counts the replicas that refused what they were configured
// with and told their supervisor that all was well: they ended with status 0.
//
// Judged are the ends, by themselves, of the victims of the fault
// "misconfigure". A supervisor takes status 0 for work that is done: it starts
// nothing again and tells nobody.
//
// Minimum evidence: a replica that was misconfigured and ended by itself.
//
// What makes it fail: one that ended with status 0.
package exitzero

import (
	"fmt"
	"maps"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "exit_zero".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "exit_zero",
		Summary: "replicas that refused their configuration and ended with status 0",
		Doc:     "Counts the misconfigured replicas whose exit status says that all is well.",
		Unit:    gates.Count,
		Act:     true,
		Needs:   "a replica that was misconfigured and ended by itself",
		New:     func(history.Header) gates.Meter { return &meter{wrong: map[string]*gates.FaultLife{}} },
	}
}

// misconfigure is the fault whose victims are judged.
const misconfigure = "misconfigure"

type meter struct {
	faults gates.Faults
	wrong  map[string]*gates.FaultLife // by victim: the misconfiguration that lasts
	found  gates.Measurement
}

// Observe follows misconfigurations, and how their victims end.
func (m *meter) Observe(e *gates.Event) {
	if e.Op == history.OpExit {
		m.exit(e.Event)
		return
	}
	fault := m.faults.Observe(e.Event)
	switch {
	case fault == nil || fault.Detail.Name != misconfigure:
	case e.Op == history.OpInject && e.Phase == history.Invoke:
		for _, victim := range fault.Detail.Victims {
			m.wrong[victim] = fault
		}
	case e.Op == history.OpRecover:
		maps.DeleteFunc(m.wrong, func(_ string, wrong *gates.FaultLife) bool { return wrong == fault })
	}
}

func (m *meter) exit(e *history.Event) {
	wrong := m.wrong[e.Actor]
	if wrong == nil {
		return
	}
	exit, err := history.Decode[history.Exit](e)
	if err != nil || exit.Signal != "" {
		return // it was ended
	}
	m.found.N++
	if exit.Code == 0 {
		m.found.Value++
		m.found.Evidence = gates.AppendEvidence(m.found.Evidence, e.Seq)
		m.found.Note = fmt.Sprintf("%s ended with status 0 after %q", e.Actor, wrong.Detail.Fault)
	}
}

// Measure is the number of such ends.
func (m *meter) Measure() gates.Measurement {
	found := m.found
	if found.N == 0 {
		found.Missing = "no replica was misconfigured and ended by itself"
	}
	return found
}
