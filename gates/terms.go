package gates

import (
	"slices"

	"github.com/drillrun/drillrun/drills/history"
)

// Terms follows the terms of all leaderships, as the witness saw them, and
// tells the effects that come too late: under a term that has been superseded.
// A term begins with its first effect that was accepted or seen before; a
// refused one begins nothing.
type Terms struct {
	faults Faults
	reigns map[string][]*Reign // by leadership, in the order of terms
	all    []*Reign            // in the order of their begin
}

// Reign is one term of a leadership.
type Reign struct {
	Leadership string
	Term       uint64
	Replica    string // that acted first in it
	Begun      Moment // its first effect
	Former     *Reign // the term before it; nil for the first
}

// Late is an effect that arrived under a superseded term.
type Late struct {
	Effect *history.Effect
	Heir   *Reign // superseded the effect's term
	// Zombie is the pause that the sender woke up from with that term; nil for
	// any other sender. A term that it was given after it woke up is none of
	// the pause's doing.
	Zombie *FaultLife
}

// pause is the name of the fault that makes zombies.
const pause = "pause"

// Observe takes note of an event, and says whether it is an effect that came
// too late. An effect without a term is older than every term.
func (t *Terms) Observe(e *Event) (late Late, ok bool) {
	t.faults.Observe(e.Event)
	effect, isEffect := e.Effect()
	if !isEffect || effect.Leadership == "" {
		return Late{}, false
	}
	reigns := t.reigns[effect.Leadership]
	var former *Reign
	if len(reigns) > 0 {
		former = reigns[len(reigns)-1]
	}
	switch {
	case former != nil && effect.Term < former.Term && former.Former != nil:
		return t.late(effect, reigns), true
	case former != nil && effect.Term <= former.Term: // as it should be, or before the first change that was seen
		return Late{}, false
	case effect.Outcome != history.Stale && effect.Term > 0:
		t.begin(&Reign{
			Leadership: effect.Leadership, Term: effect.Term, Replica: effect.Replica,
			Begun: Moment{At: e.At, Seq: e.Seq}, Former: former,
		})
	}
	return Late{}, false
}

func (t *Terms) begin(r *Reign) {
	if t.reigns == nil {
		t.reigns = map[string][]*Reign{}
	}
	t.reigns[r.Leadership] = append(t.reigns[r.Leadership], r)
	t.all = append(t.all, r)
}

// late tells by whom the effect's term was superseded, and whether a zombie
// sent it.
func (t *Terms) late(effect *history.Effect, reigns []*Reign) Late {
	after := func(term uint64) *Reign { // the first reign from that term on
		i := slices.IndexFunc(reigns, func(r *Reign) bool { return r.Term >= term })
		return reigns[i]
	}
	late := Late{Effect: effect, Heir: after(effect.Term + 1)}
	if late.Heir.Former == nil {
		late.Heir = reigns[1] // older than all that was seen: superseded by the first change at the latest
	}
	known := after(effect.Term).Begun
	for _, life := range t.faults.Lives() {
		if life.Detail.Name == pause && life.Recover.Seq > known.Seq && slices.Contains(life.Detail.Victims, effect.Replica) {
			late.Zombie = life
		}
	}
	return late
}

// Changes are the reigns that superseded another, in the order of their begin.
func (t *Terms) Changes() []*Reign {
	var changes []*Reign
	for _, r := range t.all {
		if r.Former != nil {
			changes = append(changes, r)
		}
	}
	return changes
}

// Seen says whether any effect carried a leadership and a term.
func (t *Terms) Seen() bool { return len(t.all) > 0 }

// Faults are all faults so far.
func (t *Terms) Faults() []*FaultLife { return t.faults.Lives() }
