package gates

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
)

// Refusals follows the requests that the witness and its backends would not take:
// an effect that is told under a wrong token, or in a form that nobody can read, is
// a mistake of wiring.
type Refusals struct {
	most map[refusal]int
}

type refusal struct {
	actor, replica, why string
	status              int
}

// Observe takes note of requests that were refused.
func (r *Refusals) Observe(e *Event) {
	if e.Op != history.OpRefused {
		return
	}
	detail, err := history.Decode[history.Refused](e.Event)
	if err != nil {
		return
	}
	if r.most == nil {
		r.most = map[refusal]int{}
	}
	kind := refusal{e.Actor, detail.Replica, detail.Why, detail.Status}
	r.most[kind] = max(r.most[kind], detail.Count, 1)
}

// Tell says how many requests were refused at least, and why the most of them;
// empty where none was.
func (r *Refusals) Tell() string {
	if len(r.most) == 0 {
		return ""
	}
	all := 0
	for _, n := range r.most {
		all += n
	}
	kinds := slices.SortedFunc(maps.Keys(r.most), func(a, b refusal) int {
		return cmp.Or(cmp.Compare(r.most[b], r.most[a]), cmp.Compare(a.status, b.status), cmp.Compare(a.why, b.why))
	})
	worst := kinds[0]
	from := ""
	if worst.replica != "" {
		from = " of " + worst.replica
	}
	return fmt.Sprintf("%s refused requests%s with %d: %s (%d at least were refused in all)", worst.actor, from, worst.status, worst.why, all)
}
