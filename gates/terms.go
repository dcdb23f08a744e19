package gates

import (
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Terms follows the terms of all leaderships, as the witness saw them, and
// tells the effects that come too late: under a term that has been superseded.
// A term begins with its first effect that was accepted or seen before; a
// refused one begins nothing.
type Terms struct {
	faults Faults
	leases *history.Leases
	reigns map[string][]*Reign // by leadership, in the order of terms
	all    []*Reign            // in the order of their begin
	ended  map[string]Moment   // when processes ended, the last time
	told   map[knock]Moment    // when zombies were refused, the first time
}

// knock is what a zombie knocks with.
type knock struct {
	pause      *FaultLife
	replica    string
	leadership string
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
	// any other sender. The term was lost in that pause: the heir began in it, or
	// just after. Once it has been refused it knows, and is a zombie no more.
	Zombie *FaultLife
	// InFlight says that the sender cannot have sent it after its heir had begun: it
	// had ended before, or was paused and still is.
	InFlight bool
}

// pause is the name of the fault that makes zombies.
const pause = "pause"

// slack is how long after a pause an heir may act first whose term began in it, and how
// long a zombie that was refused may go on with what it had sent before it knew.
const slack = time.Second

// Observe takes note of an event, and says whether it is an effect that came
// too late. An effect without a term is older than every term.
func (t *Terms) Observe(e *Event) (late Late, ok bool) {
	t.faults.Observe(e.Event)
	t.leases = e.Leases()
	if e.Op == history.OpExit {
		if t.ended == nil {
			t.ended = map[string]Moment{}
		}
		t.ended[e.Actor] = Moment{At: e.At, Seq: e.Seq}
	}
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
		return t.late(e, effect, reigns), true
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

// late tells by whom the effect's term was superseded, and what its sender could know
// of that.
func (t *Terms) late(e *Event, effect *history.Effect, reigns []*Reign) Late {
	after := func(term uint64) *Reign { // the first reign from that term on
		i := slices.IndexFunc(reigns, func(r *Reign) bool { return r.Term >= term })
		return reigns[i]
	}
	late := Late{Effect: effect, Heir: after(effect.Term + 1)}
	if late.Heir.Former == nil {
		late.Heir = reigns[1] // older than all that was seen: superseded by the first change at the latest
	}
	late.InFlight = t.dead(effect.Replica, late.Heir)
	known := after(effect.Term).Begun
	for _, life := range t.faults.Lives() {
		if life.Detail.Name != pause || !slices.Contains(life.Detail.Victims, effect.Replica) || !life.lost(late.Heir, known) {
			continue
		}
		switch {
		case !life.Recover.Happened():
			late.InFlight = true
		case t.knows(knock{life, effect.Replica, effect.Leadership}, e, effect.Outcome):
			late.Zombie = nil
		default:
			late.Zombie = life
		}
	}
	return late
}

// lost says whether a term that had begun was lost to that heir in the pause.
func (l *FaultLife) lost(heir *Reign, known Moment) bool {
	over := l.Recover.Happened()
	return l.Begun.Happened() && heir.Begun.Seq > l.Begun.Seq && (!over || heir.Begun.At <= l.Recover.At+slack) &&
		(!over || known.Seq < l.Recover.Seq)
}

// knows says whether a zombie has been told long ago that it is one.
func (t *Terms) knows(k knock, e *Event, outcome history.Outcome) bool {
	told, ever := t.told[k]
	if !ever && outcome == history.Stale {
		if t.told == nil {
			t.told = map[knock]Moment{}
		}
		t.told[k] = Moment{At: e.At, Seq: e.Seq}
	}
	return ever && e.At > told.At+max(slack, e.Header.Settle/2)
}

// dead says whether the replica had ended before its heir began, and was not started
// again since.
func (t *Terms) dead(replica string, heir *Reign) bool {
	ended := t.ended[replica]
	if !ended.Happened() || ended.Seq > heir.Begun.Seq {
		return false
	}
	return !slices.ContainsFunc(t.faults.Lives(), func(l *FaultLife) bool {
		return l.Recover.Seq > ended.Seq && slices.Contains(l.Detail.Victims, replica) && !l.Detail.Mild
	})
}

// Changes are the reigns that superseded another, in the order of their begin. A lease
// of a job that goes to another worker is none.
func (t *Terms) Changes() []*Reign {
	var changes []*Reign
	for _, r := range t.all {
		if r.Former != nil && !t.leases.Is(r.Leadership) {
			changes = append(changes, r)
		}
	}
	return changes
}

// Seen says whether any effect carried a leadership and a term.
func (t *Terms) Seen() bool {
	return slices.ContainsFunc(t.all, func(r *Reign) bool { return !t.leases.Is(r.Leadership) })
}

// Faults are all faults so far.
func (t *Terms) Faults() []*FaultLife { return t.faults.Lives() }
