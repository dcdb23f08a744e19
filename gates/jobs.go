package gates

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
)

// What a load has to show before the gates that find nothing may say so: a tenth of
// what was submitted was acknowledged, or so many jobs. Where none of a hundred is
// lost, a share of 3 % lost is ruled out with 95 % confidence (the rule of three); a
// drill that takes a system down for most of its time rightly has few of many.
const (
	enoughShare = 10
	enoughJobs  = 100
)

// Jobs follows what was submitted, what of it was acknowledged, and what had its
// effect. That nothing happened twice, or too late, is no finding about a system
// which was asked for nothing, or has refused everything.
type Jobs struct {
	promised  bool // the system takes jobs
	state     Column[uint8]
	submitted int // subjects
	acked     int // of them acknowledged
	done      int // of them with an effect
	foreign   int // subjects with an effect that nobody submitted and no leadership stands for
}

const (
	wasSubmitted = 1 << iota
	wasAcknowledged
	wasDone
	wasForeign
)

// NewJobs follows the jobs of a system.
func NewJobs(h history.Header) Jobs { return Jobs{promised: h.Guarantees.Jobs} }

// Observe takes note of submissions and effects.
func (j *Jobs) Observe(e *Event) {
	if _, ok := e.Submit(); ok {
		j.submission(e)
	} else if effect, ok := e.Effect(); ok && effect.Outcome != history.Stale && e.Err == "" {
		j.effect(e, effect)
	}
}

func (j *Jobs) submission(e *Event) {
	subject, _ := e.Subject()
	state := j.state.At(subject)
	before := *state
	*state |= wasSubmitted
	if e.Phase == history.OK {
		*state |= wasAcknowledged
	}
	j.count(before, *state)
}

func (j *Jobs) effect(e *Event, effect *history.Effect) {
	subject, _ := e.Subject()
	state := j.state.At(subject)
	before := *state
	*state |= wasDone
	if effect.Leadership == "" && effect.Kind != history.KindRecord {
		*state |= wasForeign
	}
	j.count(before, *state)
}

// count brings the numbers up to date with a change of one state.
func (j *Jobs) count(before, now uint8) {
	if before == now {
		return
	}
	change := func(n *int, of func(uint8) bool) {
		switch {
		case of(now) && !of(before):
			*n++
		case of(before) && !of(now):
			*n--
		}
	}
	change(&j.submitted, func(s uint8) bool { return s&wasSubmitted != 0 })
	change(&j.acked, func(s uint8) bool { return s&wasAcknowledged != 0 })
	change(&j.done, func(s uint8) bool { return s&wasSubmitted != 0 && s&wasDone != 0 })
	change(&j.foreign, func(s uint8) bool { return s&wasSubmitted == 0 && s&wasForeign != 0 })
}

// Submitted says whether the subject of the event was submitted.
func (j *Jobs) Submitted(e *Event) bool {
	subject, ok := e.Subject()
	return ok && *j.state.At(subject)&wasSubmitted != 0
}

// Done is how many submitted subjects have had an effect.
func (j *Jobs) Done() int { return j.done }

// Few says why what was acknowledged shows nothing of what was submitted; empty
// where it does, and for a system without jobs.
func (j *Jobs) Few() string {
	switch {
	case !j.promised:
		return ""
	case j.acked == 0:
		return "no submission was acknowledged"
	case j.acked < enoughJobs && j.acked*enoughShare < j.submitted:
		return fmt.Sprintf("%d of %d submissions were acknowledged, and a tenth of them, or %d, are the least", j.acked, j.submitted, enoughJobs)
	}
	return ""
}

// Missing says why nothing can be claimed of the jobs; empty where enough were
// acknowledged and one of them had its effect, and for a system without jobs.
func (j *Jobs) Missing() string {
	if few := j.Few(); few != "" || !j.promised {
		return few
	}
	if j.done == 0 {
		return "no effect of a submitted job arrived"
	}
	return ""
}

// Foreign remarks on effects of subjects that nobody submitted and no leadership
// stands for; empty where there are none. What was only counted is left out.
func (j *Jobs) Foreign() string {
	if !j.promised || j.foreign == 0 {
		return ""
	}
	return fmt.Sprintf("%d subjects took effect that nobody submitted and no leadership stands for", j.foreign)
}
