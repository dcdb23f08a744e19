package gates

import (
	"math"
	"strings"
	"time"
)

// sharpen tells of measured times what they may have been in truth: by as much
// shorter as the harness stood still in them, or as nobody asked.
func (r *record) sharpen(m *Measurement) {
	var best TimesBuilder
	shorter := false
	for _, s := range m.Samples {
		least := r.least(s)
		if least != s.Took && m.WhyBest == "" {
			m.WhyBest = r.whyShorter(s, m.WhyOpen)
		}
		shorter = shorter || least != s.Took
		best.Add(least, false)
	}
	if shorter {
		m.Best = best.Times()
	}
}

// least is the shortest that a sample can have been. What never came, although it
// was waited for as long as the system's own machinery may take, will not have
// come for a stall of the harness.
func (r *record) least(s Sample) time.Duration {
	stalled := r.stalls.Within(s.Spans)
	switch {
	case s.Took != Never:
		return max(0, s.Took-s.Slack-stalled)
	case stalled > 0 && s.Waited-stalled < r.stalls.settle:
		return max(0, s.Waited-stalled)
	}
	return Never
}

func (r *record) whyShorter(s Sample, slack string) string {
	var why []string
	if s.Slack > 0 {
		why = append(why, slack)
	}
	if r.stalls.Within(s.Spans) > 0 {
		why = append(why, r.stalls.Tell())
	}
	return strings.Join(why, "; ")
}

// raise adds to a rate what was missed while the harness stood still.
func (r *record) raise(g Gate, m Measurement, read *reading) {
	whole, stalled := m.Spans.To-m.Spans.From, r.stalls.Within(m.Spans)
	if g.unit() != Rate || whole <= 0 || stalled == 0 || math.IsInf(read.lo, -1) {
		return
	}
	part := float64(stalled) / float64(whole)
	read.hi /= max(1-part, math.SmallestNonzeroFloat64)
	if read.missing == "" {
		read.missing = r.stalls.Tell()
	}
}

// stallsExcuse says that a count may be the doing of a stall that is long enough to
// cost a lease, or to have a call given up and sent again: it is less than the gate
// wants, or it is more, and what was counted came before the system had settled
// again. A shorter stall explains a crowd at a backend, which learns late that a
// sender has hung up. What came at other times violates the bound by itself.
func (r *record) stallsExcuse(g Gate, m Measurement) string {
	if u := g.unit(); u != Count && u != Level || m.Final {
		return ""
	}
	least, behind := r.stalls.settle/8, r.stalls.settle
	missing := g.Aggregate == "n" || m.Value <= g.Bound && len(m.Values) == 0
	if g.unit() == Level && !missing {
		least, behind = 0, 2*unnoticed
	}
	longest := r.stalls.longest()
	took := longest.To - longest.From
	if took == 0 || took < least {
		return ""
	}
	if !missing {
		undisturbed := m.Value * r.clearShare(m.Evidence, least, behind)
		if undisturbed == m.Value || g.verdict(undisturbed, m.Value) == Fail {
			return ""
		}
	}
	return r.stalls.Tell()
}

// clearShare is the share of what was counted that came at other times. The
// evidence has two events for each thing at the most; of what is beyond its room
// nobody knows when it came. What was counted by snapshots came at any time between
// them.
func (r *record) clearShare(evidence []uint64, least, behind time.Duration) float64 {
	undisturbed := 0
	for _, seq := range evidence {
		if !r.clock.snapshots[seq] && !r.stalls.reached(r.clock.at(seq), least, behind) {
			undisturbed++
		}
	}
	switch n := len(evidence); {
	case n == 0:
		return 0
	case undisturbed == n || n < EvidenceLimit:
		return float64(undisturbed) / float64(n)
	}
	return 0
}
