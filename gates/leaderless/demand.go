package leaderless

import (
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// demand follows whether anything is asked of the system: a load runs, or a job that
// was acknowledged has no effect yet.
type demand struct {
	any   bool // a load ran at some time
	loads int
	owed  int
	jobs  gates.Column[uint8]
	since time.Duration // when it last changed
	total time.Duration // with demand, until since
}

const (
	taken = 1 << iota
	done
)

// until is how long there was demand up to now. A drill without a load asks for what
// it asks for all the time.
func (d *demand) until(now time.Duration) time.Duration {
	if d.is() {
		return d.total + now - d.since
	}
	return d.total
}

func (d *demand) is() bool { return d.loads > 0 || d.owed > 0 }

func (d *demand) observe(e *gates.Event) {
	before := d.is()
	switch e.Op {
	case history.OpLoad:
		d.load(e.Phase)
	case history.OpSubmit:
		if submit, ok := e.Submit(); ok && e.Phase == history.OK && !history.Poisoned(submit.Subject) {
			d.mark(e, taken)
		}
	case history.OpEffect:
		if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" {
			d.mark(e, done)
		}
	}
	if is := d.is(); is != before {
		if before {
			d.total += e.At - d.since
		}
		d.since = e.At
	}
}

func (d *demand) load(phase history.Phase) {
	if phase == history.Invoke {
		d.any = true
		d.loads++
		return
	}
	d.loads = max(0, d.loads-1)
}

func (d *demand) mark(e *gates.Event, what uint8) {
	subject, _ := e.Subject()
	state := d.jobs.At(subject)
	was := *state
	*state |= what
	switch {
	case was == 0 && what == taken:
		d.owed++
	case was == taken && what == done:
		d.owed--
	}
}
