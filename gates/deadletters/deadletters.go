// Package deadletters counts the jobs that were given up during a drill: what
// completions alone hide.
//
// It is the count "dead_letters" of the snapshot at rest minus that of the
// baseline, taken before the script began, and minus the submissions that were
// planted to fail: those acknowledged, and those whose outcome is open. A
// planted job that has no dead letter is package lost's.
//
// Minimum evidence: an acknowledged submission, a completed drain, and both
// counts. Fewer dead letters at rest than at first (a store lost them) say
// nothing of how many were added: unknown.
//
// What makes it fail: a dead letter that the drill brought about.
package deadletters

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "dead_letters".
func Metric() gates.Metric {
	return gates.Metric{
		Name:     "dead_letters",
		Summary:  "jobs that were given up during the drill",
		Doc:      "The stores' own count of dead letters after a completed drain, less that before the script.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and snapshots before and after that count dead letters",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	rest    gates.Rest
	planted int64 // submissions planted to fail, and perhaps taken
}

// Observe waits for the snapshots and counts what was planted.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	taken := e.Phase == history.OK || e.Phase == history.Info
	if submit, ok := e.Submit(); ok && taken && history.Poisoned(submit.Subject) {
		m.planted++
	}
}

// Measure is the difference of the stores' counts, without what was planted.
func (m *meter) Measure() gates.Measurement {
	g, missing := m.rest.Growth(history.CountDeadLetters)
	switch {
	case missing != "":
		return gates.Measurement{Missing: missing}
	case g.After < g.Before:
		return gates.Measurement{Missing: fmt.Sprintf("there were %d dead letters before and %d are left: how many were added cannot be known", g.Before, g.After)}
	case g.After == g.Before && m.rest.Acknowledged() == 0:
		return gates.Measurement{Missing: "no submission was acknowledged"}
	}
	found := gates.Measurement{
		Value: float64(max(0, g.After-g.Before-m.planted)), N: m.rest.Acknowledged(), Evidence: g.Evidence, Final: true,
	}
	if g.Before > 0 {
		found.Note = fmt.Sprintf("%d were there before", g.Before)
	}
	if m.planted > 0 {
		found.Note = fmt.Sprintf("beyond %d that were planted to fail", m.planted)
	}
	return found
}
