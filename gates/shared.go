package gates

import (
	"fmt"

	"github.com/drillrun/drillrun/drills/history"
)

// shared watches for terms that two replicas act in by turns. A term has one holder:
// where it has two, it tells nobody who leads, and neither the witness nor a gate can
// tell the one that was superseded by it.
type shared struct {
	terms map[string]*holders // by leadership: of its newest term
	told  string
}

// holders are who acted in a term, the latest last.
type holders struct {
	term         uint64
	first, other string
}

func (s *shared) observe(e *Event) {
	if s.told != "" || e.Op != history.OpEffect && e.Op != history.OpCall {
		return
	}
	effect, ok := acting(e)
	if !ok || effect.Kind != history.KindFenced || effect.Term == 0 || effect.Replica == "" {
		return
	}
	h := s.terms[effect.Leadership]
	switch {
	case h == nil || effect.Term > h.term:
		if s.terms == nil {
			s.terms = map[string]*holders{}
		}
		s.terms[effect.Leadership] = &holders{term: effect.Term, first: effect.Replica}
	case effect.Term < h.term:
	case h.other == "" && effect.Replica != h.first:
		h.other = effect.Replica
	case h.other != "" && effect.Replica != h.other:
		s.told = fmt.Sprintf("%s and %s acted in term %d of %s by turns (event %d): its terms do not tell who leads",
			h.first, h.other, h.term, effect.Leadership, e.Seq)
	}
}
