package gates

import "hash/maphash"

// Firsts remembers the first effect of each subject, and its key.
type Firsts struct {
	seed maphash.Seed
	of   Column[First]
}

// First is the first effect of a subject.
type First struct {
	Seq     uint32 // 0 where there is none
	Counted bool   // for the meter: it has seen another
	key     uint32 // a hash
}

// NewFirsts remembers nothing yet.
func NewFirsts() Firsts { return Firsts{seed: maphash.MakeSeed()} }

// Take is the first effect of the subject of an effect, which may be this one, and
// whether this one has the same key. The keys of a million subjects are taken for
// others that they are not with odds of one in four thousand, for one of them.
func (f *Firsts) Take(e *Event) (first *First, sameKey bool) {
	subject, _ := e.Subject()
	first = f.of.At(subject)
	key := uint32(maphash.String(f.seed, e.Key))
	if first.Seq == 0 {
		first.Seq, first.key = uint32(e.Seq), key
		return first, true
	}
	return first, e.Key != "" && first.key == key
}
