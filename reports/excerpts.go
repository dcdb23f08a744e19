package reports

import (
	"cmp"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Around is how many events are shown around the evidence of a failing gate,
// beside those of the fault before it.
const Around = 10

// near is how far from the evidence its neighbours are looked for.
const near = 100

// excerpt collects the events that one failing gate is shown with.
type excerpt struct {
	gate   *Gate
	nearby []history.Event // the evidence, and what is near it
	bitten *history.Event  // the last fault that came into effect before it
	mended *history.Event  // that fault's recovery
}

// excerpts gives each failing gate the events around its evidence.
func excerpts(src gates.Source, all []Gate) error {
	var wanted []*excerpt
	for i := range all {
		if g := &all[i]; g.Verdict == gates.Fail && len(g.Evidence) > 0 {
			wanted = append(wanted, &excerpt{gate: g})
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	over := uint64(0) // what comes after it is the end of everything by the harness
	for e, err := range src.Events() {
		if err != nil {
			return err
		}
		switch e.Op {
		case history.OpStep, history.OpLoad, history.OpInject, history.OpRecover, history.OpDrain, history.OpSnapshot, history.OpRead:
			over = e.Seq
		}
		for _, x := range wanted {
			x.see(&e)
		}
	}
	for _, x := range wanted {
		x.gate.Events = x.chosen(over)
	}
	return nil
}

// see keeps an event that may be shown.
func (x *excerpt) see(e *history.Event) {
	first := slices.Min(x.gate.Evidence)
	switch {
	case e.Op == history.OpInject && e.Phase == history.OK && e.Seq <= first:
		kept := e.Clone()
		x.bitten, x.mended = &kept, nil
	case e.Op == history.OpRecover && e.Phase == history.OK && x.bitten != nil && x.mended == nil && e.Actor == x.bitten.Actor:
		kept := e.Clone()
		x.mended = &kept
	}
	proves := slices.Contains(x.gate.Evidence, e.Seq)
	if proves || tells(e) && x.distance(e.Seq) <= near {
		x.nearby = append(x.nearby, e.Clone())
	}
}

// tells says whether an event tells a reader anything beside the evidence. What
// replicas measure is in every second of a drill.
func tells(e *history.Event) bool { return e.Op != history.OpTook && e.Op != history.OpEnd }

// distance is how far an event is from the evidence.
func (x *excerpt) distance(seq uint64) uint64 {
	least := ^uint64(0)
	for _, other := range x.gate.Evidence {
		least = min(least, max(seq, other)-min(seq, other))
	}
	return least
}

// chosen are the evidence and its neighbours, nearest first as far as there is
// room, and the fault before it, in their order.
func (x *excerpt) chosen(over uint64) []history.Event {
	kept := slices.DeleteFunc(x.nearby, func(e history.Event) bool { return over > 0 && e.Seq > over && x.distance(e.Seq) > 0 })
	slices.SortStableFunc(kept, func(a, b history.Event) int { return cmp.Compare(x.distance(a.Seq), x.distance(b.Seq)) })
	kept = kept[:min(len(kept), Around)]
	for _, e := range []*history.Event{x.bitten, x.mended} {
		if e != nil && !slices.ContainsFunc(kept, func(k history.Event) bool { return k.Seq == e.Seq }) {
			kept = append(kept, *e)
		}
	}
	slices.SortFunc(kept, func(a, b history.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return kept
}
