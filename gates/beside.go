package gates

import (
	"cmp"
	"slices"
	"strings"
)

// cutsOff are the faults of links after which nothing comes through.
var cutsOff = map[string]bool{"partition": true, "refuse": true, "drop": true, "reset": true, "stall": true}

// Unheard says whether the fault cuts its victims off from the witness and lets them go
// on: what they do meanwhile nobody sees.
func (l *FaultLife) Unheard() bool {
	return l.Detail.Mild && cutsOff[l.Detail.Name] && (strings.HasSuffix(l.Detail.Target, outside) ||
		slices.ContainsFunc(l.Detail.Links, func(link string) bool { return strings.HasSuffix(link, outside) }))
}

// Beside says in what time a fault is in the way of what is measured beside it, and
// whether it is at all.
type Beside func(*FaultLife) (in Window, is bool)

// Undisturbed is the longest part of the window that the faults in the way leave. Mild
// ones are in nobody's way, unless nobody hears of their victims.
func Undisturbed(w Window, lives []*FaultLife, beside Beside) Window {
	var taken []Window
	for _, life := range lives {
		if !life.Begun.Happened() || life.Detail.Mild && !life.Unheard() {
			continue
		}
		if in, is := beside(life); is && in.To >= w.From && in.From < w.To {
			taken = append(taken, in)
		}
	}
	slices.SortFunc(taken, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	longest, free := Window{From: w.From, To: w.From}, w.From
	for _, in := range append(taken, Window{From: w.To, To: w.To}) {
		if in.From-free > longest.To-longest.From {
			longest = Window{From: free, To: in.From}
		}
		free = max(free, in.To)
	}
	return longest
}

// Whole is the time for which the fault is in effect, from its begin to its heal.
func (l *FaultLife) Whole() Window {
	w := Window{From: l.Begun.At, To: Never}
	if l.Healed.Happened() {
		w.To = l.Healed.At
	}
	return w
}

// InTheWay is the time in which nobody can take over from the victim of another fault,
// or that heir cannot be seen to: while a store is down, or the heir is cut off from
// the witness. A fault of replicas may have hit whoever was about to take over, so
// that the time begins anew.
func (l *FaultLife) InTheWay(heir string) (in Window, is bool) {
	if l.storeDown() || l.Unheard() && slices.Contains(l.Detail.Victims, heir) {
		return l.Whole(), true
	}
	replicas := slices.ContainsFunc(l.Detail.Victims, func(name string) bool { return strings.HasPrefix(name, replicaPrefix) })
	return Window{From: l.Begun.At, To: l.Begun.At}, replicas && !l.Detail.Mild
}

// replicaPrefix begins the names of replicas.
const replicaPrefix = "replica-"

// takesDown are the faults after which a store serves nobody.
var takesDown = map[string]bool{
	"pause": true, "kill": true, "terminate": true, "restart": true, "crash": true, "crash-loop": true, "oom": true,
}

func (l *FaultLife) storeDown() bool {
	return takesDown[l.Detail.Name] && slices.ContainsFunc(l.Detail.Victims, func(name string) bool {
		return !strings.HasPrefix(name, replicaPrefix) && !strings.HasPrefix(name, BackendPrefix)
	})
}
