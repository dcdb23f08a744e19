// Package failover measures how long a leadership stays without an effect after
// its leader was hit by a fault.
//
// The clock starts when the injection begins (the signal is about to be sent,
// the toxic about to be set) and stops at the first effect, accepted or seen,
// under a higher term of that leadership. "Seen" counts, because a new leader
// may repeat the slot that its dead predecessor had not recorded: it acts then,
// although nothing happens again. The leader is the replica that sent the
// latest fenced effect of the highest term before the injection: the witness's
// word, not the system's.
//
//	inject invoke ──────────────▶ inject ok (proof)       recover …
//	     │                             effect, term + 1
//	     └────────── failover ──────────────┘
//
// The effect may come before the proof: a victim can be reaped later than its
// lock is released. A fault without proof gives no sample.
//
// Leaderships may hang on a store. A fault that is not mild and hits none of the
// replicas therefore asks something of every leadership: that its leader acts again,
// which is no failover and no sample, or that a new term does, which is one, counted
// from the injection. A leadership that acted regularly before and of which neither
// comes has lost its leader to the fault: never. A later fault that hits the leader
// itself takes the question over.
//
// Another fault may be in the way of the successor: nobody can take over while a store
// is down, and one of another replica may have hit whoever was about to. The longest
// time between such faults is what the failover took for certain. A bound between that
// and the whole time is unknown.
//
// The lease of a job is no leadership: whoever works on it is owed no successor.
//
// Minimum evidence: one fault, proved to be in effect, that hit a leader, or a store
// on which one hung.
//
// What makes it fail: a new term that acts too late, or never. "Never" is said
// when the drill ran to its end or was drained after the fault; a record that
// breaks off earlier leaves the sample open, known from below only.
package failover

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Metric is "failover".
func Metric() gates.Metric {
	return gates.Metric{
		Name:    "failover",
		Summary: "injection begun → first effect under a higher term of the leadership that was hit",
		Doc: "One sample for each leadership that each proved fault hit. Infinite where no higher term acted " +
			"before the end. Faults whose victims did not lead give none, but for those of a store after which a leadership " +
			"changed hands, or was never heard of again.",
		Unit:     gates.Duration,
		Requires: []string{"leader"},
		Needs:    "a fault, proved to be in effect, whose victim led",
		New: func(history.Header) gates.Meter {
			return &meter{reigns: map[string]*reign{}, replicas: map[string]bool{}}
		},
	}
}

type meter struct {
	faults   gates.Faults
	leaders  gates.Leaders
	rest     gates.Rest
	replicas map[string]bool   // that were seen to do anything
	reigns   map[string]*reign // by leadership
	hits     []*hit
	last     gates.Moment
	ended    bool // by the end of the script
}

// reign is the highest term of a leadership and who acted under it last.
type reign struct {
	term    uint64
	leader  string
	waiting []*hit // for a higher term
}

// hit is one leadership whose leader a fault hit.
type hit struct {
	fault  *gates.FaultLife
	begun  gates.Moment
	term   uint64
	leader string

	// of is the leadership, where a store was hit and nobody knows whether it hangs
	// on that; nil where its leader was hit.
	of *gates.Leadership
	// dropped says that nothing is owed: its leader acts on, or was hit later.
	dropped bool

	next     gates.Moment // the first effect under a higher term
	nextTerm uint64
	heir     string
}

// Observe follows the terms, and notes whom each fault hits as it begins.
func (m *meter) Observe(e *gates.Event) {
	m.last = gates.Moment{At: e.At, Seq: e.Seq}
	m.rest.ObserveRest(e)
	act, acted := m.leaders.Observe(e)
	switch e.Op {
	case history.OpEffect:
		if effect, ok := e.Effect(); ok {
			m.replicas[effect.Replica] = true
			m.effect(effect, e.Leases())
		}
	case history.OpSubmit:
		if submit, ok := e.Submit(); ok {
			m.replicas[submit.Replica] = true
		}
	case history.OpEnd:
		m.ended = e.Phase == history.OK
	}
	if acted {
		m.goesOn(act.Of)
	}
	if fault := m.faults.Observe(e.Event); fault != nil && e.Op == history.OpInject && e.Phase == history.Invoke {
		m.strike(fault)
	}
}

// goesOn takes note that a leader acts on: a fault of a store that was in effect by
// then did not unseat it.
func (m *meter) goesOn(of *gates.Leadership) {
	r := m.reigns[of.Key]
	if r == nil || of.Term > r.term {
		return
	}
	r.drop(func(h *hit) bool { return h.fault.InEffect.Happened() })
}

// drop lets go of hits of stores.
func (r *reign) drop(which func(*hit) bool) {
	r.waiting = slices.DeleteFunc(r.waiting, func(h *hit) bool {
		h.dropped = h.of != nil && which(h)
		return h.dropped
	})
}

// unseated says whether its leader was hit before and nobody has followed yet: there
// is no leader that a store could take.
func (r *reign) unseated() bool {
	return slices.ContainsFunc(r.waiting, func(h *hit) bool { return h.of == nil })
}

func (m *meter) effect(effect *history.Effect, leases *history.Leases) {
	if effect.Kind != history.KindFenced || effect.Outcome == history.Stale || effect.Leadership == "" || leases.Is(effect.Leadership) {
		return
	}
	r := m.reigns[effect.Leadership]
	if r == nil {
		r = &reign{}
		m.reigns[effect.Leadership] = r
	}
	if effect.Term < r.term {
		return
	}
	if effect.Term > r.term {
		r.relieve(effect, m.last)
		r.term = effect.Term
	}
	r.leader = effect.Replica
}

// relieve ends the wait of those that a lower term left.
func (r *reign) relieve(effect *history.Effect, now gates.Moment) {
	for _, h := range r.waiting {
		h.next, h.nextTerm, h.heir = now, effect.Term, effect.Replica
	}
	r.waiting = nil
}

func (m *meter) strike(fault *gates.FaultLife) {
	if fault.Detail.Mild {
		return // the leader can go on: nothing is owed
	}
	stores := !slices.ContainsFunc(fault.Detail.Victims, m.replica)
	for leadership, r := range m.reigns {
		if only := fault.Detail.Leadership; only != "" && only != leadership || r.leader == "" {
			continue // it stays with its holder
		}
		h := &hit{fault: fault, begun: m.last, term: r.term, leader: r.leader}
		switch {
		case slices.Contains(fault.Detail.Victims, r.leader):
			r.drop(func(*hit) bool { return true }) // what comes is this fault's doing
		case stores && m.leaders.Of(leadership) != nil && !r.unseated():
			h.of = m.leaders.Of(leadership)
		default:
			continue
		}
		r.waiting = append(r.waiting, h)
		m.hits = append(m.hits, h)
	}
}

// replica says whether that is a replica, by what it did or by its name.
func (m *meter) replica(name string) bool {
	return m.replicas[name] || strings.HasPrefix(name, "replica-")
}

// owed says whether the hit is a sample: of a store's fault only one that a new term
// followed, or after which a leadership that had acted regularly was silent for much
// longer than ever before.
func (m *meter) owed(h *hit) bool {
	switch {
	case h.dropped || !h.fault.InEffect.Happened():
		return false
	case h.of == nil || h.next.Happened():
		return true
	}
	rhythm := h.of.Rhythm()
	return rhythm.Silent(m.leaders.EndOf(h.of)-h.begun.At) > rhythm.Longest
}

// Measure gives one sample for each proved hit.
func (m *meter) Measure() gates.Measurement {
	var found gates.Measurement
	for _, h := range m.hits {
		if m.owed(h) {
			found.Samples = append(found.Samples, m.sample(h))
		}
	}
	found.WhyOpen = m.why(found.Samples)
	if len(found.Samples) == 0 {
		found.Missing = m.missing()
	}
	return found
}

func (m *meter) sample(h *hit) gates.Sample {
	s := gates.Sample{Evidence: []uint64{h.begun.Seq, h.fault.InEffect.Seq}, Spans: gates.Window{From: h.begun.At, To: m.last.At}}
	what := fmt.Sprintf("%q hit %s in term %d", h.fault.Detail.Fault, h.leader, h.term)
	if h.of != nil {
		what = fmt.Sprintf("%q hit a store, %s led %s in term %d", h.fault.Detail.Fault, h.leader, h.of.Key, h.term)
	}
	switch {
	case h.next.Happened():
		s.Took, s.Spans.To = h.next.At-h.begun.At, h.next.At
		free := gates.Undisturbed(s.Spans, m.faults.Lives(), h.beside)
		s.Slack = s.Took - (free.To - free.From)
		s.Note = fmt.Sprintf("%s, and %s acted in term %d", what, h.heir, h.nextTerm)
		s.Evidence = append(s.Evidence, h.next.Seq)
		slices.Sort(s.Evidence)
	case m.ended || m.rest.Drained():
		s.Took, s.Waited = gates.Never, m.last.At-h.begun.At
		s.Note = what + ", and no higher term acted until the end"
	default:
		s.Took, s.Open = m.last.At-h.begun.At, true
		s.Note = what + ", and no higher term acted before the record ends"
	}
	return s
}

// beside says in what time another fault was in the way of a successor.
func (h *hit) beside(other *gates.FaultLife) (in gates.Window, is bool) {
	if in, is = other.InTheWay(h.heir); other == h.fault {
		return in, false
	}
	return in, is
}

// why says what makes samples longer than they may have been without other faults.
func (m *meter) why(samples []gates.Sample) string {
	if slices.ContainsFunc(samples, func(s gates.Sample) bool { return s.Slack > 0 }) {
		return "another fault was in the way of the successor"
	}
	return ""
}

func (m *meter) missing() string {
	var victims []string
	for _, life := range m.faults.Lives() {
		if life.InEffect.Happened() {
			victims = append(victims, life.Detail.Victims...)
		}
	}
	switch {
	case len(m.faults.Lives()) == 0:
		return "no fault was injected"
	case victims == nil:
		return "no fault was proved to be in effect"
	case len(m.reigns) == 0:
		return "no leader was seen to act"
	}
	slices.Sort(victims)
	return "no fault unseated a leader: " + strings.Join(slices.Compact(victims), ", ") + " did not lead when it was hit, or could go on"
}
