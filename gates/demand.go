package gates

import (
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Demand follows whether anything is asked of the system: a load runs, or a job that
// was acknowledged has no effect yet.
type Demand struct {
	Any   bool // a load ran at some time
	loads int
	owed  int
	jobs  Column[uint8]
	Since time.Duration // when it last changed
	total time.Duration // with demand, until Since
}

// Until is how long there was demand up to now. A drill without a load asks for what
// it asks for all the time.
func (d *Demand) Until(now time.Duration) time.Duration {
	if d.Is() {
		return d.total + now - d.Since
	}
	return d.total
}

// Is says whether anything is asked for now.
func (d *Demand) Is() bool { return d.loads > 0 || d.owed > 0 }

// Observe takes note of loads, submissions and effects.
func (d *Demand) Observe(e *Event) {
	before := d.Is()
	switch e.Op {
	case history.OpLoad:
		d.load(e.Phase)
	case history.OpSubmit:
		if submit, ok := e.Submit(); ok && e.Phase == history.OK && !history.Poisoned(submit.Subject) {
			d.mark(e, jobAcknowledged)
		}
	case history.OpEffect:
		if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" {
			d.mark(e, jobDone)
		}
	}
	if is := d.Is(); is != before {
		if before {
			d.total += e.At - d.Since
		}
		d.Since = e.At
	}
}

func (d *Demand) load(phase history.Phase) {
	if phase == history.Invoke {
		d.Any = true
		d.loads++
		return
	}
	d.loads = max(0, d.loads-1)
}

func (d *Demand) mark(e *Event, what uint8) {
	subject, _ := e.Subject()
	state := d.jobs.At(subject)
	was := *state
	*state |= what
	switch {
	case was == 0 && what == jobAcknowledged:
		d.owed++
	case was == jobAcknowledged && what == jobDone:
		d.owed--
	}
}
