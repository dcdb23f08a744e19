package recovery

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// heal is a fault that was healed, and what has come since.
type heal struct {
	fault      *gates.FaultLife
	healed     gates.Moment
	owed       int    // acknowledged before, and still without an effect
	generation uint16 // of the youngest of them
	loaded     bool   // a load ran
	unloaded   gates.Moment

	backlog gates.Moment // when it was gone
	acted   gates.Moment // any leadership
	leads   []*lead

	// why it cannot be known any further, and since when; empty while it can
	why   string
	until gates.Moment
}

// paid takes note of an effect that was owed since that generation.
func (h *heal) paid(since uint16, now gates.Moment) {
	if since > h.generation {
		return
	}
	if h.owed--; h.owed == 0 {
		h.backlog = now
	}
}

func (h *heal) cut(now gates.Moment, why string) {
	if h.why == "" {
		h.why, h.until = why, now
	}
}

// act takes note of an act of a leadership.
func (h *heal) act(act gates.Act, settle time.Duration) {
	if !h.acted.Happened() {
		h.acted = act.Now
	}
	for _, l := range h.leads {
		if l.of == act.Of {
			l.act(act.Now, settle)
		}
	}
}

// state is what has come of the three, by the end of the record or of what is known.
type state struct {
	last  gates.Moment // that of the three which came last
	came  string       // in words
	lacks []string
}

func (s *state) add(when gates.Moment, came string, ok bool, lack string) {
	switch {
	case !ok:
		s.lacks = append(s.lacks, lack)
	case when.At > s.last.At:
		s.last, s.came = when, came
	}
}

// state says how far the system had recovered.
func (m *meter) state(h *heal) state {
	s := state{last: h.healed, came: "all was well at once"}
	s.add(h.backlog, "then its backlog was gone", h.backlog.Happened(), fmt.Sprintf("%d acknowledged jobs had no effect", h.owed))
	led, lack := m.led(h)
	s.add(led, "then a leader acted", lack == "", lack)
	steady, ok := m.steady(h)
	s.add(steady, "then operations were acknowledged steadily", ok, "no second was steady")
	return s
}

// led is when the last of the leaderships had a leader again. The lack says which of
// them has none.
func (m *meter) led(h *heal) (when gates.Moment, lack string) {
	if !m.leader {
		return h.healed, ""
	}
	if !h.acted.Happened() {
		return when, "no leader acted"
	}
	when = h.acted
	var lacks []string
	for _, l := range h.leads {
		end := m.leaders.EndOf(l.of)
		if h.why != "" {
			end = h.until.At
		}
		since, ok := l.led(h, end, m.settle)
		switch {
		case !ok && !l.since.Happened():
			lacks = append(lacks, "no leader acted under "+l.of.Key)
		case !ok:
			lacks = append(lacks, fmt.Sprintf("the leader of %s did not stay: nothing was done after event %d", l.of.Key, l.last.Seq))
		case since.At > when.At:
			when = since
		}
	}
	return when, strings.Join(lacks, ", ")
}

// steady is when the first steady second began.
func (m *meter) steady(h *heal) (when gates.Moment, ok bool) {
	if !h.loaded {
		return h.healed, true
	}
	limit, short := m.last, false
	if h.unloaded.Happened() {
		limit, short = h.unloaded, true
	}
	if h.why != "" && h.until.Seq < limit.Seq {
		limit, short = h.until, false
	}
	begin, ok := m.operations.steady(h.healed.At, limit.At, short)
	if begin == h.healed.At {
		return h.healed, ok
	}
	return gates.Moment{At: begin, Seq: h.healed.Seq}, ok
}

// Measure gives one sample for each proved fault that was healed.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, h := range m.heals {
		if !h.fault.InEffect.Happened() {
			continue
		}
		s, why := m.sample(h)
		if s.Open && found.WhyOpen == "" {
			found.WhyOpen = why
		}
		found.Samples = append(found.Samples, s)
	}
	if len(found.Samples) == 0 {
		found.Missing = m.missing()
	}
	return found
}

// sample is one recovery. An open one has a reason, unless the record ended first.
func (m *meter) sample(h *heal) (s gates.Sample, why string) {
	what := fmt.Sprintf("%q was healed", h.fault.Detail.Fault)
	s = gates.Sample{Evidence: []uint64{h.healed.Seq}, Spans: gates.Window{From: h.healed.At, To: m.last.At}}
	is := m.state(h)
	lacks := strings.Join(is.lacks, ", ")
	why, until := h.why, h.until
	if unserved := slices.Contains(is.lacks, "no second was steady"); why == "" && unserved && h.unloaded.Happened() {
		why, until = "the load ended before a steady second", h.unloaded
	}
	switch {
	case lacks == "":
		s.Took, s.Spans.To = is.last.At-h.healed.At, is.last.At
		s.Note = what + ", and " + is.came
		s.Evidence = slices.Compact(append(s.Evidence, is.last.Seq))
	case why != "":
		s.Took, s.Open, s.Spans.To = until.At-h.healed.At, true, until.At
		s.Note = fmt.Sprintf("%s, and %s: %s", what, why, lacks)
		s.Evidence = slices.Compact(append(s.Evidence, until.Seq))
	case m.ended || m.rest.Drained():
		s.Took, s.Waited = gates.Never, m.last.At-h.healed.At
		s.Note = fmt.Sprintf("%s, and until the end %s", what, lacks)
	default:
		s.Took, s.Open = m.last.At-h.healed.At, true
		s.Note = fmt.Sprintf("%s, and when the record ends %s", what, lacks)
	}
	return s, why
}

func (m *meter) missing() string {
	proved := slices.ContainsFunc(m.faults.Lives(), func(l *gates.FaultLife) bool { return l.InEffect.Happened() })
	switch {
	case len(m.faults.Lives()) == 0:
		return "no fault was injected"
	case !proved:
		return "no fault was proved to be in effect"
	case m.rest.Acknowledged() == 0:
		return "no submission was acknowledged"
	}
	return "no fault was healed after a submission was acknowledged"
}
