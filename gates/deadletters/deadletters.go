// Package deadletters counts the jobs that were given up during a drill: what
// completions alone hide.
//
// It is the count "dead_letters" of the snapshot at rest minus that of the
// baseline, taken before the script began, and minus those of jobs that were
// planted to fail. The stores do not name their letters, so that the letter of
// another job could stand for a plant that is lost: a plant is known to be among
// the letters where the system, asked after the drain ("read jobs"), tells that it
// was given up, and known not to be where it tells anything else. Plants that were
// acknowledged, or are open, and of which nothing is told may be among the letters
// or not, which leaves an interval. A planted job that has no dead letter is package
// lost's.
//
// Minimum evidence: an acknowledged submission, a completed drain, and both
// counts. Fewer dead letters at rest than at first (a store lost them) say
// nothing of how many were added: unknown. So it is where jobs that were planted to
// fail had an effect: the system does them, and was not put to the test.
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
		Doc:      "The stores' own count of dead letters after a completed drain, less that before the script, and less the jobs planted to fail that the system tells to be given up.",
		Unit:     gates.Count,
		Requires: []string{"jobs"},
		Needs:    "an acknowledged submission, a completed drain, snapshots before and after that count dead letters, and where jobs were planted to fail, answers about them (\"read jobs\")",
		New:      func(history.Header) gates.Meter { return &meter{} },
	}
}

type meter struct {
	rest  gates.Rest
	plant gates.Column[fate]
}

// fate is what became of a job that was planted to fail.
type fate struct {
	taken bool // perhaps: it was acknowledged, or is open
	dead  bool // the system tells so, at rest
	alive bool // the system tells something else
	done  bool // it had an effect
}

// Observe waits for the snapshots and follows what was planted.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	if submit, ok := e.Submit(); ok {
		if history.Poisoned(submit.Subject) && (e.Phase == history.OK || e.Phase == history.Info) {
			m.of(e).taken = true
		}
	} else if effect, ok := e.Effect(); ok {
		if history.Poisoned(effect.Subject) && effect.Outcome != history.Stale && e.Err == "" {
			m.of(e).done = true
		}
	} else if told, ok := e.Told(); ok && e.Phase == history.OK && history.Poisoned(told.Subject) && m.rest.Drained() {
		f := m.of(e)
		f.dead, f.alive = told.State == history.ToldDead, told.State != history.ToldDead
	}
}

func (m *meter) of(e *gates.Event) *fate {
	subject, _ := e.Subject()
	return m.plant.At(subject)
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
	found := gates.Measurement{Value: float64(g.After - g.Before), N: m.rest.Acknowledged(), Evidence: g.Evidence, Final: true}
	if g.Before > 0 {
		found.Note = fmt.Sprintf("%d were there before", g.Before)
	}
	m.without(&found, m.plants())
	return found
}

// plants are what became of all jobs that were planted to fail, and perhaps taken.
type plants struct{ all, dead, untold, done int64 }

func (m *meter) plants() (p plants) {
	for f := range m.plant.Values() {
		if f.done {
			p.done++
		}
		if !f.taken {
			continue
		}
		p.all++
		switch {
		case f.dead:
			p.dead++
		case !f.alive:
			p.untold++
		}
	}
	return p
}

// without takes off the letters of jobs that were planted to fail: those that the
// system tells to be given up are among the letters, and those of which it tells
// nothing may be.
func (m *meter) without(found *gates.Measurement, p plants) {
	if p.all == 0 {
		return
	}
	letters := found.Value
	found.Value = max(0, letters-float64(p.dead+p.untold))
	found.Note = fmt.Sprintf("beyond %d that were planted to fail", p.dead+p.untold)
	if p.done > 0 {
		found.Missing = fmt.Sprintf("%d jobs that were planted to fail had their effect: the system does them, and is not put to the test by them", p.done)
		found.AtLeast = found.Value > 0
		return
	}
	if most := max(0, letters-float64(p.dead)); most > found.Value {
		found.AtLeast, found.Most = true, most
		found.Missing = fmt.Sprintf("there are %.0f dead letters more than before, and of %d jobs that were planted to fail nobody has told whether they are among them: write \"read jobs\" after \"drain\"", letters, p.untold)
	}
}
