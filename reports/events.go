package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// eventLine is one event as people read it.
type eventLine struct {
	text     string
	evidence bool // it is what shows the verdict, and not only near it
}

// eventLines tells the events around a gate's evidence, in columns.
func eventLines(g Gate) []eventLine {
	var lines []eventLine
	actor := 0
	for _, e := range g.Events {
		actor = max(actor, width(clean(e.Actor)))
	}
	for i := range g.Events {
		e := &g.Events[i]
		if i > 0 && e.Seq > g.Events[i-1].Seq+1 {
			lines = append(lines, eventLine{text: "         ⋮"})
		}
		mark := " "
		if slices.Contains(g.Evidence, e.Seq) {
			mark = "▶"
		}
		text := fmt.Sprintf("%s %8d %9.3f s  %s  %s", mark, e.Seq, e.At.Seconds(), pad(clean(e.Actor), actor), tell(e, g.Metric))
		lines = append(lines, eventLine{text: text, evidence: mark != " "})
	}
	return lines
}

// tell says in words what an event is, to whom it concerns that metric.
func tell(e *history.Event, metric string) string {
	text := e.Op
	switch e.Op {
	case history.OpSubmit:
		text = tellSubmit(e)
	case history.OpEffect:
		text = tellEffect(e)
	case history.OpCall:
		text = tellCall(e)
	case history.OpTook:
		text = tellDurations(e)
	case history.OpPlan, history.OpInject, history.OpRecover:
		text = tellFault(e)
	case history.OpStep:
		if d, err := history.Decode[history.Step](e); err == nil {
			text = "step " + d.Text + phaseWord(e.Phase, ": begun", ": done", ": failed", ": ended")
		}
	case history.OpLoad:
		if d, err := history.Decode[history.Load](e); err == nil {
			text = "load " + d.Load + phaseWord(e.Phase, " begins", " ends", " fails", " ends")
		}
	case history.OpDrain:
		text += phaseWord(e.Phase, " begins", " completed", " failed", " ended")
	case history.OpSnapshot:
		text = tellSnapshot(e, metric)
	case history.OpRead:
		text = tellRead(e)
	case history.OpExit:
		text = tellExit(e)
	case history.OpEnd:
		text = "the drill ends" + phaseWord(e.Phase, "", "", "", ", its script not followed")
	default:
		text += " " + string(e.Phase) + " " + string(e.Detail)
	}
	if e.Err != "" {
		text += " (" + e.Err + ")"
	}
	return clean(text)
}

func phaseWord(p history.Phase, invoke, ok, fail, info string) string {
	switch p {
	case history.Invoke:
		return invoke
	case history.OK:
		return ok
	case history.Fail:
		return fail
	}
	return info
}

func tellSubmit(e *history.Event) string {
	d, err := history.DecodeSubmit(e)
	if err != nil {
		return "submit " + string(e.Phase)
	}
	text := phaseWord(e.Phase, "submits ", "was told yes for ", "was refused ", "does not know of ") + d.Subject
	if d.Replica != "" {
		text += " by " + d.Replica
	}
	if d.Attempts > 1 {
		text += fmt.Sprintf(" at attempt %d", d.Attempts)
	}
	return text
}

func tellRead(e *history.Event) string {
	d, err := history.Decode[history.Read](e)
	switch {
	case err != nil || d.Subject == "":
		return "read " + string(e.Phase)
	case d.State == "":
		return "nobody says what became of " + d.Subject
	}
	return d.Replica + " says of " + d.Subject + ": " + d.State
}

func tellEffect(e *history.Event) string {
	d, err := history.DecodeEffect(e)
	if err != nil {
		return "effect " + string(e.Phase)
	}
	return string(d.Outcome) + " " + tellWhat(e, d)
}

func tellWhat(e *history.Event, d history.Effect) string {
	text := d.Subject + " from " + d.Replica
	if d.Leadership != "" {
		text += fmt.Sprintf(" in term %d of %s", d.Term, d.Leadership)
	}
	if e.Key != "" {
		text += " under key " + e.Key
	}
	return text
}

// tellCall tells an event of a call to a backend.
func tellCall(e *history.Event) string {
	d, err := history.DecodeEffect(e)
	if err != nil {
		return "call " + string(e.Phase)
	}
	what := phaseWord(e.Phase, "arrives", string(d.Outcome), string(d.Outcome), "is given up")
	return fmt.Sprintf("call %d %s: %s", d.Call, what, tellWhat(e, d))
}

func tellDurations(e *history.Event) string {
	d, err := history.Decode[history.Durations](e)
	if err != nil || len(d.Took) == 0 {
		return "durations " + string(e.Phase)
	}
	what := d.What
	if what == history.TookRefused {
		what = "refusal"
	}
	least, most := gates.FormatDuration(slices.Min(d.Took)), gates.FormatDuration(slices.Max(d.Took))
	if len(d.Took) == 1 {
		return fmt.Sprintf("%s measured 1 %s at %s: %s", d.Replica, what, d.Subject, most)
	}
	return fmt.Sprintf("%s measured %d %ss at %s: %s to %s", d.Replica, len(d.Took), what, d.Subject, least, most)
}

func tellFault(e *history.Event) string {
	d, err := history.Decode[history.Fault](e)
	if err != nil {
		return e.Op + " " + string(e.Phase)
	}
	words := map[string][4]string{
		history.OpPlan:    {"is being planned", "is planned", "cannot be planned", "cannot be planned"},
		history.OpInject:  {"is being injected", "is in effect", "is indeterminate", "is indeterminate"},
		history.OpRecover: {"is being recovered", "is recovered", "is not recovered", "is not recovered"},
	}[e.Op]
	text := fmt.Sprintf("%q %s", d.Fault, phaseWord(e.Phase, words[0], words[1], words[2], words[3]))
	if len(d.Victims) > 0 {
		text += " on " + strings.Join(d.Victims, ", ")
	}
	return text
}

// decisive are the counts of a snapshot that a metric is made of.
var decisive = map[string][]string{
	"dead_letters": {history.CountDeadLetters},
	"leaked": {
		history.CountLocks, history.CountPending, history.CountQueued, history.CountConnections, history.CountGoroutines,
	},
	"lost":        {history.CountDeadLetters},
	"republished": {history.CountRepublished},
	"stuck":       {history.CountUnfinished},
	"unfenced":    {history.CountUnfencedWrites, history.CountOwnedWrites},
}

// tellSnapshot tells the counts that decide first, and those that are zero last:
// the line may be cut.
func tellSnapshot(e *history.Event, metric string) string {
	text := "stores at " + e.Key
	counts, err := history.Decode[history.Snapshot](e)
	if err != nil || e.Phase != history.OK {
		return text + " cannot be read"
	}
	order := slices.Clone(decisive[metric])
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if !slices.Contains(order, name) {
			order = append(order, name)
		}
	}
	var some, none []string
	for i, name := range order {
		count, told := counts[name]
		one := fmt.Sprintf("%s %d", name, count)
		switch {
		case !told:
		case count != 0 || i < len(decisive[metric]):
			some = append(some, one)
		default:
			none = append(none, one)
		}
	}
	if all := slices.Concat(some, none); len(all) > 0 {
		text += ": " + strings.Join(all, ", ")
	}
	return text
}

func tellExit(e *history.Event) string {
	d, err := history.Decode[history.Exit](e)
	switch {
	case err != nil:
		return "ended"
	case d.OutOfMemory:
		return "ended by the kernel for want of memory"
	case d.Signal != "":
		return "ended by a signal: " + d.Signal
	}
	return fmt.Sprintf("ended with status %d", d.Code)
}
