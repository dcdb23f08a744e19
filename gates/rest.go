package gates

import (
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Rest follows what a drill does to outlast the system's machinery: its drain,
// and the snapshots of all stores. The meters of absences ("nothing was lost")
// embed one.
type Rest struct {
	drained      bool
	draining     bool
	why          string        // why it is not drained, where a drain ran
	waited       time.Duration // by the last drain
	mended       time.Duration // when the last load or stall ended, submission was acknowledged, or fault was recovered
	acknowledged int           // submissions
	ended        bool          // the script was followed to its end
	snapshots    map[string]snapshot
}

type snapshot struct {
	seq    uint64
	counts history.Snapshot
	err    string
}

// ObserveRest takes note of drains, snapshots and the end. Whatever is submitted,
// broken or mended once a drain has begun has not been outlasted by it.
func (r *Rest) ObserveRest(e *Event) {
	switch e.Op {
	case history.OpSubmit:
		if e.Phase == history.OK {
			r.acknowledged++
			r.mended = e.At
		}
		r.spoil(e)
	case history.OpInject, history.OpRecover, history.OpLoad:
		r.spoil(e)
		r.mended = e.At
	case history.OpStall:
		r.stall(e)
	case history.OpDrain:
		r.drain(e)
	case history.OpSnapshot:
		r.snapshot(e.Event)
	case history.OpEnd:
		r.ended = e.Phase == history.OK
	}
}

// stall has the drain go on by as much or, where it may have cost the system a
// lease, begin again.
func (r *Rest) stall(e *Event) {
	stall, err := history.Decode[history.Stall](e.Event)
	if err != nil || stall.CostsLeases(e.Header.Settle) {
		r.mended = e.At
	} else {
		r.mended += stall.Took
	}
}

// spoil has the drain that has begun, or has ended, not have outlasted everything.
func (r *Rest) spoil(e *Event) {
	switch {
	case r.drained:
		r.drained, r.why = false, "the last drain came before the last "+e.Op
	case r.draining && r.why == "":
		r.why = fmt.Sprintf("%q (event %d) came while the drain was under way", e.Op, e.Seq)
	}
}

func (r *Rest) drain(e *Event) {
	if e.Phase == history.Invoke {
		r.drained, r.draining, r.why = false, true, ""
		return
	}
	spoilt, waited := r.why, e.At-r.mended
	r.draining = false
	detail, err := history.Decode[history.Drain](e.Event)
	r.waited = detail.Waited
	switch {
	case spoilt != "":
		r.drained = false
	case err != nil:
		r.drained, r.why = false, fmt.Sprintf("the drain's detail cannot be read: %v", err)
	case e.Phase != history.OK:
		r.drained, r.why = false, "the drain failed: "+e.Err
	case !detail.Complete:
		r.drained, r.why = false, "the drain was not complete"
	case waited < e.Header.Settle:
		r.drained, r.why = false, fmt.Sprintf("the drain ended %s after the last submission, load, fault or stall, and the system's own machinery takes up to %s",
			FormatDuration(waited), FormatDuration(e.Header.Settle))
	default:
		r.drained, r.why = true, ""
	}
}

func (r *Rest) snapshot(e *history.Event) {
	s := snapshot{seq: e.Seq}
	counts, err := history.Decode[history.Snapshot](e)
	switch {
	case e.Phase != history.OK:
		s.err = "failed: " + e.Err
	case err != nil:
		s.err = "cannot be read: " + err.Error()
	default:
		s.counts = counts
	}
	if r.snapshots == nil {
		r.snapshots = map[string]snapshot{}
	}
	r.snapshots[e.Key] = s
}

// Drained says whether the machinery was outlasted.
func (r *Rest) Drained() bool { return r.drained }

// Waited is how long the last drain went on.
func (r *Rest) Waited() time.Duration { return r.waited }

// Acknowledged is how many submissions the system has acknowledged.
func (r *Rest) Acknowledged() int { return r.acknowledged }

// NotDrained says why an absence cannot be claimed; empty after a completed
// drain.
func (r *Rest) NotDrained() string {
	switch {
	case r.drained:
		return ""
	case r.draining:
		return "the drain did not end: what did not happen yet may still come"
	case r.why != "":
		return r.why + ": what did not happen yet may still come"
	}
	return "no drain was completed: what did not happen yet may still come"
}

// CutShort says why more may have come than the record has; empty where the
// script was followed to its end.
func (r *Rest) CutShort() string {
	if r.ended {
		return ""
	}
	return "the record ends before the drill does"
}

// Count is a count of a snapshot and the event that has it. Missing says why
// there is none.
func (r *Rest) Count(key, name string) (n int64, seq uint64, missing string) {
	s, taken := r.snapshots[key]
	if !taken && len(r.snapshots) == 0 {
		return 0, 0, "the system exposes no counts of its stores (a manifest's \"inspect\")"
	}
	if !taken {
		return 0, 0, fmt.Sprintf("there is no snapshot %q of the stores", key)
	}
	if s.err != "" {
		return 0, 0, fmt.Sprintf("the snapshot %q of the stores %s", key, s.err)
	}
	n, told := s.counts[name]
	if !told {
		return 0, 0, fmt.Sprintf("the snapshot %q of the stores has no count %q", key, name)
	}
	return n, s.seq, ""
}

// Growth is a count at rest beside its baseline, with the events that have
// them.
type Growth struct {
	Before, After int64
	Evidence      []uint64
}

// Growth tells how a count changed over the drill. Missing says why that cannot
// be known: there was no completed drain, or a snapshot lacks the count.
func (r *Rest) Growth(name string) (g Growth, missing string) {
	if why := r.NotDrained(); why != "" {
		return g, why
	}
	before, first, missing := r.Count(history.SnapshotBaseline, name)
	if missing != "" {
		return g, missing
	}
	after, last, missing := r.Count(history.SnapshotRest, name)
	return Growth{Before: before, After: after, Evidence: []uint64{first, last}}, missing
}

// Added is by how much a count that only grows has grown. Missing says why that
// cannot be known: a count that went back was in what a store lost.
func (r *Rest) Added(name string) (added int64, evidence []uint64, missing string) {
	g, missing := r.Growth(name)
	if missing == "" && g.After < g.Before {
		missing = fmt.Sprintf("the count %q went back, from %d before to %d at rest: how many were added cannot be known", name, g.Before, g.After)
	}
	return g.After - g.Before, g.Evidence, missing
}
