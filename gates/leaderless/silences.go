package leaderless

import (
	"slices"
	"time"

	"github.com/drillrun/drillrun/gates"
)

// silence is a time in which nothing was done under a leadership.
type silence struct {
	from, to gates.Moment
	leader   string // that acted last before it
	term     uint64
	held     bool          // it went on under the same term, and nothing was broken: it was in good hands
	heir     bool          // a new term ended it
	open     bool          // nothing ended it
	demanded time.Duration // of it, while a load ran or jobs were left
	heard    time.Duration // the longest part of it in which an act of the leader would have been seen
	hit      gates.Moment  // the begin of a fault that hit its leader, or the end of that process
	dead     bool          // the leader certainly ended in it
}

func (s silence) long() time.Duration { return s.to.At - s.from.At }

// most is the longest that nobody can have led in it. Who acts rarely was in good
// hands until its leader was hit.
func (s silence) most(r gates.Rhythm) time.Duration {
	if !r.Regular() {
		return s.to.At - s.hit.At
	}
	return s.long()
}

// least is how long nobody led in it for certain. Independent says that the
// leadership acts although nothing is asked for.
func (s silence) least(r gates.Rhythm, independent bool) time.Duration {
	var least time.Duration
	if s.dead {
		least = s.to.At - s.hit.At
	}
	counted := s.long()
	if !independent {
		counted = s.demanded
	}
	if !s.held {
		least = max(least, r.Silent(counted))
	}
	return min(least, s.heard)
}

// silences are those of one leadership that may decide.
type silences struct {
	leader string // as of the last act
	term   uint64
	wanted time.Duration // with demand, until then

	longest []silence // one of each kind
}

// add keeps the silence if it is the longest of its kind: of those that were held, of
// those whose leader was hit, of those whose leader ended, and of the rest.
func (s *silences) add(next silence) {
	for i, old := range s.longest {
		if old.held == next.held && old.dead == next.dead && old.hit.Happened() == next.hit.Happened() && old.open == next.open {
			if next.long() > old.long() {
				s.longest[i] = next
			}
			return
		}
	}
	s.longest = append(s.longest, next)
}

func (s *silences) clone() *silences {
	other := *s
	other.longest = slices.Clone(s.longest)
	return &other
}

// sample is the longest silence, as an interval: the least of one may be longer than
// that of a longer one.
func (s *silences) sample(of *gates.Leadership) (sample gates.Sample, ok bool) {
	rhythm := of.Rhythm()
	var deciding silence
	for _, each := range s.longest {
		if !rhythm.Regular() && !each.hit.Happened() {
			continue // it acts when it is taken, and no more
		}
		least := each.least(rhythm, of.Independent())
		if !ok || least > sample.Took || least == sample.Took && each.long() > deciding.long() {
			deciding, sample.Took = each, least
		}
		sample.Most, ok = max(sample.Most, each.most(rhythm)), true
	}
	sample.Spans = gates.Window{From: deciding.from.At, To: deciding.to.At}
	sample.Evidence = []uint64{deciding.from.Seq, deciding.to.Seq}
	sample.Note = deciding.tell(of)
	return sample, ok
}
