package engine

import (
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// draws gives every purpose its own stream of random numbers from the seed, so
// that what one step draws does not depend on how far another has come.
type draws struct {
	seed uint64

	mu   sync.Mutex
	uses map[string]uint64
}

func newDraws(seed uint64) *draws {
	return &draws{seed: seed, uses: map[string]uint64{}}
}

// stream returns the source for the next use of that purpose: the n-th use of
// a purpose draws the same numbers in every drill with the same seed.
func (d *draws) stream(purpose string) *rand.Rand {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.uses[purpose]++
	h := fnv.New64a()
	h.Write([]byte(purpose)) // a hash never fails to write
	return rand.New(rand.NewPCG(d.seed, h.Sum64()+d.uses[purpose]))
}

// Stream returns the random source for the next use of that purpose.
func (d *Drill) Stream(purpose string) *rand.Rand { return d.draws.stream(purpose) }

// Draw picks a time from the span.
func Draw(r *rand.Rand, s drills.Span) time.Duration {
	if s.To <= s.From {
		return s.From
	}
	return s.From + time.Duration(r.Int64N(int64(s.To-s.From)))
}
