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
// hides below it: repeat the fault. A system whose pools keep more tells its own
// allowance (drills.Allower, "allow" of a manifest's inspect), which is in the
// record.
//
// A leader's lock is no leak: where locks grew, and leaderships showed themselves
// for the first time after the baseline, so many of them may be those of leaders
// who were elected since. That leaves an interval.
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
			"exactly; connections beyond 16 and goroutines beyond 128 more a replica, because pools open lazily, or beyond what the system itself allows for.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, and snapshots before and after that share a count",
		New: func(h history.Header) gates.Meter {
			return &meter{replicas: int64(max(1, h.Replicas)), allow: h.Allowance, led: map[string]bool{}}
		},
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
	allow    map[string]int64 // what the system's own allowance is for a replica
	baseline bool             // the snapshot was taken
	led      map[string]bool  // leaderships seen before the baseline: true; after it: false
}

// Observe waits for the snapshots, and for who leads.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if e.Op == history.OpSnapshot && e.Key == history.SnapshotBaseline {
		m.baseline = true
	}
	effect, ok := e.Effect()
	if !ok || effect.Leadership == "" || effect.Outcome == history.Stale {
		return
	}
	if _, known := m.led[effect.Leadership]; !known {
		m.led[effect.Leadership] = !m.baseline
	}
}

// Measure is the sum over all counts.
func (m *meter) Measure() gates.Measurement {
	if why := m.rest.NotDrained(); why != "" {
		return gates.Measurement{Missing: why}
	}
	found := gates.Measurement{N: m.rest.Acknowledged(), Final: true}
	var grown, untold []string
	half := "" // why a count cannot be compared, although one snapshot has it
	for _, kind := range kinds {
		before, first, noBefore := m.rest.Count(history.SnapshotBaseline, kind.name)
		after, last, noAfter := m.rest.Count(history.SnapshotRest, kind.name)
		switch {
		case noBefore != "" && noAfter != "":
			untold = append(untold, kind.name)
			continue
		case noBefore != "":
			half = noBefore
			continue
		case noAfter != "":
			half = noAfter
			continue
		}
		found.Evidence = []uint64{first, last}
		allowed := m.allowance(kind.name, kind.allow)
		leaked := after - before - allowed
		if leaked > 0 && kind.name == history.CountLocks {
			leaked = m.withoutLeaders(&found, leaked)
		}
		if leaked > 0 {
			found.Value += float64(leaked)
			grown = append(grown, tell(kind.name, before, after, allowed))
		}
	}
	switch {
	case half != "":
		found.Missing, found.Most = half, 0
	case found.AtLeast:
		found.Most += found.Value
	}
	found.AtLeast = found.Most > 0 || found.Value > 0
	return m.conclude(found, grown, untold)
}

// allowance is by how much a count may grow: that of the system, or else the usual
// one, for each replica.
func (m *meter) allowance(name string, usual int64) int64 {
	if own, told := m.allow[name]; told {
		usual = own
	}
	return usual * m.replicas
}

// withoutLeaders takes off the locks that leaders may hold who were elected after
// the baseline. Whether they were, or only showed themselves later, nobody knows.
func (m *meter) withoutLeaders(found *gates.Measurement, leaked int64) int64 {
	var later int64
	for _, before := range m.led {
		if !before {
			later++
		}
	}
	if later = min(later, leaked); later > 0 {
		found.AtLeast, found.Most = true, float64(later)
		found.Missing = fmt.Sprintf("%d locks more than before may be those of leaders elected after the first snapshot", later)
	}
	return leaked - later
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
