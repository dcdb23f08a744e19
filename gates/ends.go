package gates

import (
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// lateEnd is how long after a fault's recovery the end of its victim may be noticed.
const lateEnd = time.Second

// ends follows the processes that end by no fault of the script's: somebody else
// has killed them, or they gave up by themselves. When a drill is over the harness
// ends them all, so an end counts only once the script is seen to go on after it.
type ends struct {
	suspects []end
	proved   []end
}

type end struct {
	process string
	at      Moment
	exit    history.Exit
}

func (s *ends) observe(e *history.Event, faults []*FaultLife) {
	switch e.Op {
	case history.OpExit:
		exit, err := history.Decode[history.Exit](e)
		if err == nil && !explained(e, exit, faults) {
			s.suspects = append(s.suspects, end{e.Actor, Moment{At: e.At, Seq: e.Seq}, exit})
		}
	case history.OpStep, history.OpLoad, history.OpDrain, history.OpSnapshot, history.OpPlan, history.OpInject, history.OpRecover:
		s.proved, s.suspects = append(s.proved, s.suspects...), nil
	}
}

// explained says whether a fault accounts for the end of a process: it is a victim,
// or it gave up by itself while something was broken. A signal is never its own doing.
func explained(e *history.Event, exit history.Exit, faults []*FaultLife) bool {
	return slices.ContainsFunc(faults, func(l *FaultLife) bool {
		over := l.Healed.Happened() && e.At > l.Healed.At+lateEnd
		if !l.Begun.Happened() || over {
			return false
		}
		return slices.Contains(l.Detail.Victims, e.Actor) || exit.Signal == "" && !exit.OutOfMemory
	})
}

// tell says which processes ended so, a few of them by name.
func (s *ends) tell() []blow {
	var told []blow
	for _, end := range s.proved[:min(len(s.proved), troubleLimit)] {
		how := fmt.Sprintf("with exit code %d", end.exit.Code)
		switch {
		case end.exit.OutOfMemory:
			how = "for want of memory"
		case end.exit.Signal != "":
			how = "by a signal: " + end.exit.Signal
		}
		told = append(told, blow{
			why:   fmt.Sprintf("%s ended %s (event %d), by no fault of the script's", end.process, how, end.at.Seq),
			since: end.at.At - unnoticedBlow,
		})
	}
	return told
}
