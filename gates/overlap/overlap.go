// Package overlap measures how long a superseded leader goes on: the time after
// a new term's first effect in which effects of older terms still arrive.
//
//	term 1  ──e──e──e─────e───e        (accepted, seen or refused: it was sent)
//	term 2              e───e───e──
//	                    └─────┘
//	                    overlap
//
// It is arrivals that count, not what became of them: a leader that the witness
// must refuse did not know that it no longer led. An arrival belongs to the
// change of term that superseded its own; an effect without a term is older
// than every term. A change after which nothing old arrived is a sample of 0.
//
// What a sender cannot have sent after its heir had begun was in flight: it had ended
// before that, or was paused and still is. A dead leader does not go on.
//
// Zombies are counted apart, by package zombie: a replica that was paused
// cannot know better when it wakes up. An arrival is not counted here where its
// sender's term was lost in a pause, to an heir that began in it or just after, and
// the sender had not been refused yet, or a moment ago. An older pause explains
// nothing, and whoever goes on after a refusal knew.
//
// A lease of a job that changes hands is no change of a leadership.
//
// Minimum evidence: a leadership that changed its term, the new one with an
// effect; and a completed drain, because an old effect may still come. Without
// it what was measured is known from below.
//
// What makes it fail: an effect of an older term that arrives later after the
// change than the bound.
package overlap

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "overlap".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "overlap",
		Summary: "longest time after a new term's first effect in which effects of an older term still arrive",
		Doc: "One sample for each change of term, 0 where nothing old arrived after it. Refused arrivals count too; " +
			"those of a replica that woke up from a pause are counted by zombie instead.",
		Unit:     gates.Duration,
		Requires: []string{"leader"},
		Needs:    "a leadership that changed its term, the new one with an effect, and a completed drain",
		New:      func(history.Header) gates.Meter { return &meter{lingered: map[*gates.Reign]last{}} },
	}
}

type meter struct {
	terms    gates.Terms
	rest     gates.Rest
	lingered map[*gates.Reign]last // by the reign that superseded
}

// last is the latest arrival of what a change of term superseded.
type last struct {
	at      gates.Moment
	replica string
	term    uint64
	times   int
}

// Observe notes the arrivals under older terms.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	late, ok := m.terms.Observe(e)
	if !ok || late.Zombie != nil || late.InFlight {
		return
	}
	m.lingered[late.Heir] = last{
		at: gates.Moment{At: e.At, Seq: e.Seq}, replica: late.Effect.Replica, term: late.Effect.Term,
		times: m.lingered[late.Heir].times + 1,
	}
}

// Measure is one sample for each change of term.
func (m *meter) Measure() gates.Measurement {
	found := gates.Measurement{WhyOpen: m.rest.NotDrained()}
	for _, r := range m.terms.Changes() {
		found.Samples = append(found.Samples, m.sample(r, found.WhyOpen != ""))
	}
	switch {
	case len(found.Samples) > 0:
	case m.terms.Seen():
		found.Missing = "no leadership changed its term"
	default:
		found.Missing = "no effect carried a leadership and a term"
	}
	return found
}

func (m *meter) sample(r *gates.Reign, open bool) gates.Sample {
	spans := gates.Window{From: r.Begun.At, To: r.Begun.At}
	change := fmt.Sprintf("%s acted in term %d of %s after term %d", r.Replica, r.Term, r.Leadership, r.Former.Term)
	l, arrived := m.lingered[r]
	if !arrived {
		return gates.Sample{Open: open, Spans: spans, Note: change + ", and nothing older arrived", Evidence: []uint64{r.Begun.Seq}}
	}
	spans.To = l.at.At
	return gates.Sample{
		Spans: spans,
		Took:  l.at.At - r.Begun.At, Open: open, Evidence: []uint64{r.Begun.Seq, l.at.Seq},
		Note: fmt.Sprintf("%s, and %d older effects arrived, the last from %s in term %d", change, l.times, l.replica, l.term),
	}
}
