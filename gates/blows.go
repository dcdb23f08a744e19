package gates

import (
	"cmp"
	"slices"
	"time"
)

// blow is something that befell the drill from outside. What the system left undone
// from then on may be its doing.
type blow struct {
	why   string
	since time.Duration
}

// unnoticedBlow is how long a blow may have gone unnoticed.
const unnoticedBlow = time.Second

func whys(blows []blow) (all []string) {
	for _, b := range blows {
		all = append(all, b.why)
	}
	return all
}

// blows are what the harness failed to do or to mend, and the processes that ended by
// no fault of the script's.
func (r *record) blows() []blow {
	blows := slices.Concat(r.trouble, r.ends.tell())
	for _, life := range r.faults.Lives() {
		if why := life.unmended(r.ended); why != "" {
			blows = append(blows, blow{why, life.Begun.At})
		}
	}
	return blows
}

// struck are the blows that may have caused a violation: all of them, unless the times
// that were over before the first one violate the bound by themselves.
func (r *record) struck(g Gate, m Measurement) []string {
	blows := r.blows()
	longer := g.unit() == Duration && (g.Op == "<" || g.Op == "<=")
	if len(blows) == 0 || !longer || len(m.Samples) == 0 {
		return whys(blows)
	}
	first := slices.MinFunc(blows, func(a, b blow) int { return cmp.Compare(a.since, b.since) }).since
	var before TimesBuilder
	for _, s := range m.Samples {
		if r.over(s) < first {
			before.Add(r.least(s), false)
		} else {
			before.Add(0, false)
		}
	}
	m.Best = before.Times()
	if g.conclude(g.read(m)).Verdict == Fail {
		return nil
	}
	return whys(blows)
}

// over is when a sample ended, by the clock of the record.
func (r *record) over(s Sample) time.Duration {
	if n := len(s.Evidence); s.Spans == (Window{}) && n > 0 {
		return r.clock.at(s.Evidence[n-1])
	}
	return s.Spans.To
}
