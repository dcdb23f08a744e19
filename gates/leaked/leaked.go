// Package leaked counts what a drill left behind in the stores and the
// processes: how far the snapshot at rest exceeds the baseline, summed over the
// counts
//
//	connections, goroutines    beyond an allowance for each replica
//	locks, pending, queued     exactly
//
// A lock, a delivered and a queued entry belong to work in hand. At rest there
// is none, so one more than before is one that nobody will release.
//
// Connections and goroutines breathe: pools open lazily and keep what they
// opened, so that a replica that has seen load holds more than one that has
// just started. The baseline is taken before the first load. What a replica
// keeps is bounded by the sizes of its pools; what leaks grows with every
// operation or fault. The allowance of 16 connections and 128 goroutines more a
// replica is above what ordinary pools keep (three restarted replicas of the
// reference went from 9 connections to 36, 9 more each), and a leak per
// operation passes it within seconds of load. A leak of one connection a fault
// hides below it: repeat the fault.
//
// A count that grew is not set off against one that shrank. One that neither
// snapshot has is left out, and said so; one that only one of them has makes
// the whole unknown.
//
// Minimum evidence: a completed drain after an acknowledged submission, and
// both snapshots with at least one of the counts.
//
// What makes it fail: a session, a lock or an entry that is left behind.
package leaked

import (
	"fmt"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "leaked".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "leaked",
		Summary: "connections, goroutines, locks, pending and queued entries that the drill left behind",
		Doc: "The sum of how far each count at rest exceeds its baseline. Locks, pending and queued entries count " +
			"exactly; connections beyond 16 and goroutines beyond 128 more a replica, because pools open lazily.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and snapshots before and after that share a count",
		New:      func(h history.Header) gates.Meter { return &meter{replicas: int64(max(1, h.Replicas))} },
	}
}

// kinds are what can leak, with what each replica may hold more than before.
var kinds = [...]struct {
	name  string
	allow int64
}{
	{history.CountConnections, 16},
	{history.CountGoroutines, 128},
	{history.CountLocks, 0},
	{history.CountPending, 0},
	{history.CountQueued, 0},
}

type meter struct {
	rest     gates.Rest
	replicas int64
}

// Observe waits for the snapshots.
func (m *meter) Observe(e *gates.Event) { m.rest.ObserveRest(e) }

// Measure is the sum over all counts.
func (m *meter) Measure() gates.Measurement {
	if why := m.rest.NotDrained(); why != "" {
		return gates.Measurement{Missing: why}
	}
	found := gates.Measurement{N: m.rest.Acknowledged(), Final: true}
	var grown, untold []string
	for _, kind := range kinds {
		before, first, noBefore := m.rest.Count(history.SnapshotBaseline, kind.name)
		after, last, noAfter := m.rest.Count(history.SnapshotRest, kind.name)
		switch {
		case noBefore != "" && noAfter != "":
			untold = append(untold, kind.name)
			continue
		case noBefore != "":
			found.Missing = noBefore
			continue
		case noAfter != "":
			found.Missing = noAfter
			continue
		}
		found.Evidence = []uint64{first, last}
		allowed := kind.allow * m.replicas
		if leaked := after - before - allowed; leaked > 0 {
			found.Value += float64(leaked)
			grown = append(grown, tell(kind.name, before, after, allowed))
		}
	}
	found.AtLeast = found.Value > 0
	return m.conclude(found, grown, untold)
}

// conclude tells what leaked, and what keeps the sum from being known.
func (m *meter) conclude(found gates.Measurement, grown, untold []string) gates.Measurement {
	found.Note = strings.Join(grown, "; ")
	if len(untold) > 0 && found.Note == "" {
		found.Note = "the snapshots have no count of " + strings.Join(untold, ", ")
	}
	switch {
	case len(untold) == len(kinds):
		_, _, found.Missing = m.rest.Count(history.SnapshotRest, kinds[0].name)
	case found.Value == 0 && m.rest.Acknowledged() == 0:
		found.Missing = "no submission was acknowledged"
	}
	return found
}

func tell(name string, before, after, allowed int64) string {
	text := fmt.Sprintf("%s grew from %d to %d", name, before, after)
	if allowed > 0 {
		text += fmt.Sprintf(", %d more than allowed", after-before-allowed)
	}
	return text
}
