package gates

import (
	"fmt"
	"slices"
	"sync"

	"github.com/drillrun/drillrun/drills/history"
)

// CompileCondition reads a condition on which a drill is aborted. It is written
// like a gate, and must be one that stays true once it is: that something is
// more than a bound.
func CompileCondition(line string, metrics map[string]Metric) (Gate, error) {
	g, err := Compile(line, metrics)
	if err != nil {
		return Gate{}, err
	}
	grows := g.Metric.Unit == Count || g.Metric.Unit == Duration && g.Aggregate == defaultAggregate
	if !grows || !slices.Contains([]string{">", ">="}, g.Op) {
		return Gate{}, fmt.Errorf("%q may be true for a while only: write that a count or a longest time is more than a bound, such as \"duplicates > 0\" or \"outage > 20s\"", g.Text)
	}
	return g, nil
}

// Live holds conditions against a history while it is written. It is safe for
// concurrent use.
type Live struct {
	conditions []Gate

	mu    sync.Mutex
	panel *panel
}

// NewLive watches a history from its first event on.
func NewLive(h history.Header, conditions []Gate) *Live {
	return &Live{conditions: conditions, panel: newPanel(h, conditions, nil)}
}

// Observe shows it the next event. What cannot be read proves nothing: it is
// for the judge of the sealed history to complain.
func (l *Live) Observe(e *history.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.panel.feed(e)
}

// Proved says which condition holds, whatever is still to come; empty while
// none does.
func (l *Live) Proved() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.conditions {
		s := l.panel.byName[g.Metric.Name]
		if s.meter == nil {
			continue
		}
		s.measure()
		if r := g.Judge(s.Measurement); r.Verdict == Pass {
			return fmt.Sprintf("%s (observed %s)", g.Text, r.Observed)
		}
	}
	return ""
}
