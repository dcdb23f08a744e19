package gates

import (
	"fmt"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Faults follows the lives of all faults of a history.
type Faults struct {
	lives  []*FaultLife
	latest map[string]*FaultLife // by actor
}

// FaultLife is one fault from its plan to its recovery.
type FaultLife struct {
	Detail   history.Fault // the latest that is known of it
	Evidence map[string]any
	Planned  Moment
	Begun    Moment // inject was called: the failover clock starts
	InEffect Moment // proved to have bitten
	Recover  Moment // recovery was called, the last time
	Healed   Moment // recovery was seen to have worked
	problem  string // why it is indeterminate
}

// Moment is when an event happened; its Seq is 0 where it did not.
type Moment struct {
	At  time.Duration
	Seq uint64
}

// Happened says whether the event happened.
func (m Moment) Happened() bool { return m.Seq != 0 }

// Observe takes note of a step in a fault's life and returns that fault; nil
// for any other event.
func (f *Faults) Observe(e *history.Event) *FaultLife {
	if e.Op != history.OpPlan && e.Op != history.OpInject && e.Op != history.OpRecover {
		return nil
	}
	life := f.life(e)
	life.read(e)
	now := Moment{At: e.At, Seq: e.Seq}
	switch e.Op {
	case history.OpPlan:
		life.Planned = now
		if e.Phase != history.OK {
			life.problem = "could not be planned: " + e.Err
		}
	case history.OpInject:
		life.inject(e, now)
	case history.OpRecover:
		life.recover(e, now)
	}
	return life
}

// life finds the fault that an event belongs to. A plan, or a second injection,
// begins a new one.
func (f *Faults) life(e *history.Event) *FaultLife {
	known := f.latest[e.Actor]
	again := known != nil && e.Op == history.OpInject && e.Phase == history.Invoke && known.Begun.Happened()
	if known != nil && e.Op != history.OpPlan && !again {
		return known
	}
	if f.latest == nil {
		f.latest = map[string]*FaultLife{}
	}
	life := &FaultLife{}
	f.latest[e.Actor] = life
	f.lives = append(f.lives, life)
	return life
}

// outside is how the target of a fault ends that degrades the link to the witness and
// no other. Whoever is cut off from it alone can go on, and older records do not
// say so.
const outside = "->witness"

func (l *FaultLife) read(e *history.Event) {
	if len(e.Detail) == 0 {
		return
	}
	detail, err := history.Decode[history.Fault](e)
	if err != nil {
		l.problem = fmt.Sprintf("has an unreadable detail (event %d): %v", e.Seq, err)
		return
	}
	if len(detail.Victims) == 0 {
		detail.Victims = l.Detail.Victims
	}
	detail.Mild = detail.Mild || strings.HasSuffix(detail.Target, outside)
	l.Detail = detail
	if len(detail.Evidence) > 0 && e.Op == history.OpInject {
		l.Evidence = detail.Evidence
	}
}

func (l *FaultLife) inject(e *history.Event, now Moment) {
	switch e.Phase {
	case history.Invoke:
		l.Begun = now
	case history.OK:
		l.InEffect = now
	default:
		l.problem = "was never proved to be in effect: " + e.Err
	}
}

func (l *FaultLife) recover(e *history.Event, now Moment) {
	switch e.Phase {
	case history.Invoke:
		l.Recover, l.Healed = now, Moment{}
	case history.OK:
		l.Healed = now
	}
}

// Lives are all faults so far, in the order of their plans.
func (f *Faults) Lives() []*FaultLife { return f.lives }

// State is where the fault stands: planned, injecting, in effect, recovering,
// recovered or indeterminate.
func (l *FaultLife) State() string {
	switch {
	case l.problem != "", l.Healed.Happened() && !l.InEffect.Happened():
		return "indeterminate"
	case l.Healed.Happened():
		return "recovered"
	case l.Recover.Happened():
		return "recovering"
	case l.InEffect.Happened():
		return "in effect"
	case l.Begun.Happened():
		return "injecting"
	}
	return "planned"
}

// Doubt says what keeps this fault from proving anything at the end of a
// history; empty where it bit and was recovered.
func (l *FaultLife) Doubt() string {
	name := "fault"
	if l.Detail.Fault != "" {
		name = fmt.Sprintf("fault %q", l.Detail.Fault)
	}
	switch {
	case l.problem != "":
		return name + " " + l.problem
	case !l.Begun.Happened() && !l.InEffect.Happened():
		return name + " was planned and never injected"
	case !l.InEffect.Happened():
		return name + " was never proved to be in effect"
	case !l.Recover.Happened() && !l.Healed.Happened():
		return name + " was never recovered"
	case !l.Healed.Happened():
		return name + " was not seen to recover"
	case l.InEffect.Seq > l.Recover.Seq:
		return fmt.Sprintf("%s was proved to be in effect (event %d) after its recovery had begun (event %d): nobody knows whether it still is", name, l.InEffect.Seq, l.Recover.Seq)
	}
	return ""
}

// unmended says that the fault may still have been in effect when it should have
// been over; empty where it was recovered, and where the record ended first.
func (l *FaultLife) unmended(ended bool) string {
	over := ended || l.Recover.Happened()
	if !l.Begun.Happened() || !over || l.Healed.Happened() && l.InEffect.Seq < l.Recover.Seq {
		return ""
	}
	return l.Doubt()
}
