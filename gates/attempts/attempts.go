// Package attempts counts how often a backend was asked to carry out a call
// whose every try failed: as often as the sender's retry policy says, no more
// and no less.
//
// The tries of a call have the same sender and the same key, and are numbered
// from 1; a try numbered 1 begins another call. Judged are the calls to "dns"
// and "loadbalancer", where senders retry, that the backend refused each time
// it was asked. Every one of them has a number, and a gate holds only if it
// holds for each: "attempts == 3" fails for one call of two tries as it does
// for one of four.
//
//	try 1 ──✗── pause ──▶ try 2 ──✗── pause ──▶ try 3 ──✗       3
//
// Left out is a call that its sender may not have ended by itself:
//
//   - its sender ended, or was the victim of a fault, between its first try and
//     a second after the last;
//   - its sender's breaker for that backend was reported open in that time, or in
//     the second before it, as a report may overtake a try (the record
//     "breaker/BACKEND/open"): the tries that it refused never arrived;
//   - the harness stood still in that time, and the backend with it;
//   - its numbers have a gap: a try was lost on the way, or refused by a breaker
//     that had opened before.
//
// Minimum evidence: 20 such calls, and a completed drain: whatever was to be
// tried again has been by then.
//
// What makes it fail: a policy that gives up early or goes on for too long, and
// policies around policies, whose tries multiply.
package attempts

import (
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "attempts".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "attempts",
		Summary: "tries of each call to dns and loadbalancer whose every try failed",
		Doc: "Each call has its number, and the bound must hold for every one of them. Calls that a death, a fault on " +
			"their sender or an open breaker may have cut short are left out.",
		Unit:  gates.Level,
		Least: 1,
		Needs: fmt.Sprintf("%d calls whose every try failed, and a completed drain", enough),
		New: func(h history.Header) gates.Meter {
			return &meter{cuts: cuts{stalls: gates.NewStalls(h)}, latest: map[gates.CallKey]*call{}, tries: map[*gates.Call]*call{}}
		},
	}
}

// enough calls make the number.
const enough = 20

// retried are the backends whose callers retry.
var retried = map[string]bool{"dns": true, "loadbalancer": true}

type meter struct {
	rest    gates.Rest
	calls   gates.Calls
	cuts    cuts
	latest  map[gates.CallKey]*call
	tries   map[*gates.Call]*call // that are not answered
	refused []*call               // a try of theirs failed, in the order of the first that did
}

// call is one call with all its tries.
type call struct {
	gates.CallKey
	tries  int
	failed int
	last   int  // the number of the last try
	gap    bool // a number is missing
	begun  gates.Moment
	over   gates.Moment // the latest end of a try
}

// Observe follows the tries of all calls, and what may cut them short.
func (m *meter) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	m.cuts.observe(e)
	try := m.calls.Observe(e)
	switch {
	case try == nil || try.Effect.Attempt < 1 || !retried[try.Backend]:
	case e.Phase == history.Invoke:
		m.begin(try)
	case e.Phase != history.Info:
		m.end(try)
	}
}

func (m *meter) begin(try *gates.Call) {
	number, c := try.Effect.Attempt, m.latest[try.CallKey]
	if c == nil || number <= c.last {
		c = &call{CallKey: try.CallKey, begun: try.Arrived}
		m.latest[try.CallKey] = c
	}
	c.gap = c.gap || number != c.last+1
	c.last = number
	c.tries++
	m.tries[try] = c
}

func (m *meter) end(try *gates.Call) {
	c := m.tries[try]
	delete(m.tries, try)
	if try.Effect.Outcome != history.Failed {
		if m.latest[c.CallKey] == c {
			delete(m.latest, c.CallKey)
		}
		return
	}
	c.failed++
	if try.Over.Seq > c.over.Seq {
		c.over = try.Over
	}
	if c.failed == 1 {
		m.refused = append(m.refused, c)
	}
}

// Measure gives the number of every call.
func (m *meter) Measure() gates.Measurement {
	if why := m.rest.NotDrained(); why != "" {
		return gates.Measurement{Missing: why}
	}
	n, cut := 0, 0
	first := map[int]*call{} // by number of tries
	for _, c := range m.refused {
		switch {
		case c.failed < c.tries: // one of them succeeded, or is unknown
		case c.gap || m.cuts.short(c):
			cut++
		default:
			n++
			if first[c.tries] == nil {
				first[c.tries] = c
			}
		}
	}
	if n < enough {
		return gates.Measurement{Missing: fmt.Sprintf(
			"%d calls whose every try failed are needed, and there are %d, without %d that may have been cut short", enough, n, cut)}
	}
	return tell(first, n)
}

// tell shows the first call of the fewest tries and that of the most.
func tell(first map[int]*call, n int) gates.Measurement {
	found := gates.Measurement{N: n}
	numbers := slices.Sorted(maps.Keys(first))
	for _, number := range numbers {
		found.Values = append(found.Values, float64(number))
	}
	fewest, most := first[numbers[0]], first[numbers[len(numbers)-1]]
	found.Value = float64(most.tries)
	found.Evidence = []uint64{fewest.begun.Seq, fewest.over.Seq}
	found.Note = fmt.Sprintf("each of %d calls", n)
	if most != fewest {
		found.Evidence = append(found.Evidence, most.begun.Seq, most.over.Seq)
		slices.Sort(found.Evidence)
		found.Note = fmt.Sprintf("of %d calls, %q was tried %d times and %q %d times", n, fewest.Key, fewest.tries, most.Key, most.tries)
	}
	return found
}
