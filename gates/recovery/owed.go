package recovery

import (
	"math"

	"github.com/drillrun/drillrun/gates"
)

// owed is the backlog: what was acknowledged and had no effect yet. It keeps
// two bytes a subject: not when it was acknowledged, only after how many heals,
// its generation.
type owed struct {
	subjects    gates.Column[uint16]
	outstanding int
	generation  uint16
}

// The states of a subject before it has a generation, which begin at youth.
const (
	unheard = iota
	done
	youth
)

// turn begins a new generation. After 65,533 heals they are no longer told
// apart, and what is acknowledged later counts as backlog of all the rest.
func (o *owed) turn() {
	if o.generation < math.MaxUint16-youth {
		o.generation++
	}
}

// add takes note of an acknowledgement.
func (o *owed) add(s gates.Subject) {
	if state := o.subjects.At(s); *state == unheard {
		*state = o.generation + youth
		o.outstanding++
	}
}

// pay takes note of an effect, and says of which generation the debt was.
func (o *owed) pay(s gates.Subject) (generation uint16, paid bool) {
	state := o.subjects.At(s)
	if paid = *state >= youth; paid {
		generation = *state - youth
		o.outstanding--
	}
	*state = done
	return generation, paid
}
