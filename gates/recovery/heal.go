package recovery

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/gates"
)

// heal is a fault that was healed, and what has come since.
type heal struct {
	fault      *gates.FaultLife
	healed     gates.Moment
	owed       int    // acknowledged before, and still without an effect
	generation uint16 // of the youngest of them
	tried      bool   // the second from the heal on has been judged

	backlog, led, steady first

	// why it cannot be known any further, and since when; empty while it can
	why   string
	until gates.Moment
}

// first is the first time that something happened.
type first struct{ is gates.Moment }

func (f *first) set(now gates.Moment) {
	if !f.is.Happened() {
		f.is = now
	}
}

// paid takes note of an effect that was owed since that generation.
func (h *heal) paid(since uint16, now gates.Moment) {
	if since > h.generation {
		return
	}
	if h.owed--; h.owed == 0 {
		h.backlog.set(now)
	}
}

func (h *heal) cut(now gates.Moment, why string) {
	if h.why == "" {
		h.why, h.until = why, now
	}
}

func (h *heal) recovered() bool {
	return h.backlog.is.Happened() && h.led.is.Happened() && h.steady.is.Happened()
}

// end is when the last of the three came.
func (h *heal) end() gates.Moment {
	end := h.healed
	for _, f := range []first{h.backlog, h.led, h.steady} {
		if f.is.At > end.At {
			end = f.is
		}
	}
	return end
}

// lacks says what has not come.
func (h *heal) lacks() string {
	var lacks []string
	if !h.backlog.is.Happened() {
		lacks = append(lacks, fmt.Sprintf("%d acknowledged jobs had no effect", h.owed))
	}
	if !h.led.is.Happened() {
		lacks = append(lacks, "no leader acted")
	}
	if !h.steady.is.Happened() {
		lacks = append(lacks, "no second was steady")
	}
	return strings.Join(lacks, ", ")
}

// Measure gives one sample for each proved fault that was healed.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, h := range m.heals {
		if !h.fault.InEffect.Happened() {
			continue
		}
		s := m.sample(h)
		if s.Open && found.WhyOpen == "" {
			found.WhyOpen = h.why
		}
		found.Samples = append(found.Samples, s)
	}
	if len(found.Samples) == 0 {
		found.Missing = m.missing()
	}
	return found
}

func (m *meter) sample(h *heal) gates.Sample {
	what := fmt.Sprintf("%q was healed", h.fault.Detail.Fault)
	s := gates.Sample{Evidence: []uint64{h.healed.Seq}}
	switch {
	case h.recovered():
		end := h.end()
		s.Took = end.At - h.healed.At
		s.Note = what + ", and " + h.lastOf(end)
		s.Evidence = slices.Compact(append(s.Evidence, end.Seq))
	case h.why != "":
		s.Took, s.Open = h.until.At-h.healed.At, true
		s.Note = fmt.Sprintf("%s, and %s: %s", what, h.why, h.lacks())
		s.Evidence = append(s.Evidence, h.until.Seq)
	case m.ended || m.rest.Drained():
		s.Took, s.Waited = gates.Never, m.last.At-h.healed.At
		s.Note = fmt.Sprintf("%s, and until the end %s", what, h.lacks())
	default:
		s.Took, s.Open = m.last.At-h.healed.At, true
		s.Note = fmt.Sprintf("%s, and when the record ends %s", what, h.lacks())
	}
	return s
}

// lastOf says which of the three came last.
func (h *heal) lastOf(end gates.Moment) string {
	switch end {
	case h.healed:
		return "all was well at once"
	case h.backlog.is:
		return "then its backlog was gone"
	case h.led.is:
		return "then a leader acted"
	}
	return "then operations were acknowledged steadily"
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
