package gates

import (
	"hash/maphash"
	"iter"
)

// Subject stands for the name of something that must happen once: a number,
// dense from 0 in the order of appearance, so that a meter can keep what it
// knows of subjects in a [Column].
//
// Names are told apart by a 64-bit hash under a seed that is new for each
// judgement. With n different subjects the odds that any two of them are taken
// for one are n²/2⁶⁵: 3 in 10 million for 3.3 million subjects (a history of
// ten million events), 3 in a million for ten million subjects. Judging again
// draws another seed.
type Subject uint32

// subjects numbers subjects. It is an open-addressing table of numbers; the
// hashes are kept by number, so that growing needs no second table at a time.
type subjects struct {
	seed   maphash.Seed
	slots  []uint32 // number + 1; 0 is free; a power of two long
	hashes Column[uint64]
	n      uint32
}

const firstSlots = 1 << 10

func newSubjects() *subjects {
	return &subjects{seed: maphash.MakeSeed(), slots: make([]uint32, firstSlots)}
}

// of returns the number of a name, a new one for a new name.
func (s *subjects) of(name string) Subject {
	hash := maphash.String(s.seed, name)
	i := s.find(hash)
	if s.slots[i] == 0 {
		if int(s.n) >= len(s.slots)/4*3 {
			s.grow()
			i = s.find(hash)
		}
		*s.hashes.At(Subject(s.n)) = hash
		s.n++
		s.slots[i] = s.n
	}
	return Subject(s.slots[i] - 1)
}

// known is the number of a name that has one.
func (s *subjects) known(name string) (Subject, bool) {
	n := s.slots[s.find(maphash.String(s.seed, name))]
	return Subject(n - 1), n != 0
}

// find is the slot that holds the hash, or the free one where it belongs.
func (s *subjects) find(hash uint64) int {
	mask := len(s.slots) - 1
	i := int(hash) & mask
	for s.slots[i] != 0 && *s.hashes.At(Subject(s.slots[i] - 1)) != hash {
		i = (i + 1) & mask
	}
	return i
}

func (s *subjects) grow() {
	size := 2 * len(s.slots)
	s.slots = nil // before the new one is made: the collector may have it
	s.slots = make([]uint32, size)
	for n := range s.n {
		s.slots[s.find(*s.hashes.At(Subject(n)))] = n + 1
	}
}

const pageSize = 1 << 14

// Column holds one value a subject, zero until it is set. It grows by pages,
// so that ten million values are never copied.
type Column[T any] struct {
	pages []*[pageSize]T
}

// At is the place of the subject's value.
func (c *Column[T]) At(s Subject) *T {
	page := int(s / pageSize)
	for page >= len(c.pages) {
		c.pages = append(c.pages, new([pageSize]T))
	}
	return &c.pages[page][s%pageSize]
}

// Values yields all values, zero ones included, in the order of subjects.
func (c *Column[T]) Values() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, page := range c.pages {
			for _, v := range page {
				if !yield(v) {
					return
				}
			}
		}
	}
}
