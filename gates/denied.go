package gates

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
)

// denied watches systems that promise no leader for what looks like one: the gates
// that would judge it do not apply, and whoever reads that should know what they
// would have had to judge.
type denied struct {
	first      uint64 // the event of the first effect under a term
	leadership string
	highest    uint64 // term
	changes    int
}

func (d *denied) observe(e *Event) {
	if e.Op != history.OpEffect || e.Header.Guarantees.Leader {
		return
	}
	effect, ok := e.Effect()
	if !ok || effect.Leadership == "" || effect.Term == 0 || effect.Outcome == history.Stale || e.Leases().Is(effect.Leadership) {
		return
	}
	if d.first == 0 {
		d.first, d.leadership, d.highest = e.Seq, effect.Leadership, effect.Term
	}
	if effect.Leadership == d.leadership && effect.Term > d.highest {
		d.highest = effect.Term
		d.changes++
	}
}

// tell is a remark on why a gate does not apply; empty where nothing looks like a leader.
func (d *denied) tell() string {
	if d.first == 0 {
		return ""
	}
	return fmt.Sprintf(", and yet effects carry terms of %q (event %d), which changed %d times: does it lead after all?", d.leadership, d.first, d.changes)
}
