package gates

import (
	"iter"
	"math"
	"slices"
	"time"
)

// Times are measured times without their stories, for metrics that have one for
// each of millions of operations. A time takes four bytes: it is exact to the
// nanosecond below 2.1 s, cut to the microsecond below 17 minutes and to the
// millisecond above. Order statistics are exact at that resolution.
type Times struct {
	ended []brief // sorted
	open  []brief // sorted: known from below only
}

// TimesOf are the times of samples.
func TimesOf(samples []Sample) Times {
	var b TimesBuilder
	for _, s := range samples {
		b.Add(s.Took, s.Open)
	}
	return b.Times()
}

// Pool puts times together.
func Pool(all ...Times) Times {
	var ended, open [][]brief
	for _, t := range all {
		ended, open = append(ended, t.ended), append(open, t.open)
	}
	return Times{ended: sorted(ended), open: sorted(open)}
}

func sorted(parts [][]brief) []brief {
	whole := slices.Concat(parts...)
	slices.Sort(whole)
	return whole
}

// Len is how many times there are.
func (t Times) Len() int { return len(t.ended) + len(t.open) }

// At is the i-th shortest time, from 0, as an interval: what was still open is
// its lower bound at best, and never at worst.
func (t Times) At(i int) (best, worst time.Duration) {
	worst = Never
	if i < len(t.ended) {
		worst = t.ended[i].duration()
	}
	ended, open := t.ended, t.open
	for len(open) > 0 && len(ended) > 0 && i > 0 {
		if ended[0] <= open[0] {
			ended = ended[1:]
		} else {
			open = open[1:]
		}
		i--
	}
	switch {
	case len(open) == 0:
		best = ended[i].duration()
	case len(ended) == 0:
		best = open[i].duration()
	default:
		best = min(ended[0], open[0]).duration()
	}
	return best, worst
}

// Quantile is the nearest-rank quantile q (0 to 1): the shortest time that at
// least that share of them does not exceed. What was open counts with the time
// it had taken. Without times it is 0.
func (t Times) Quantile(q float64) time.Duration {
	best, _ := t.Interval(q)
	return best
}

// Interval is the quantile q as an interval; see [Times.At].
func (t Times) Interval(q float64) (best, worst time.Duration) {
	if t.Len() == 0 {
		return 0, 0
	}
	return t.At(rank(t.Len(), q))
}

func rank(n int, q float64) int {
	return min(max(int(math.Ceil(q*float64(n)))-1, 0), n-1)
}

// Ended yields the times that came to an end, the shortest first, and Never for
// those whose end was waited for in vain.
func (t Times) Ended() iter.Seq[time.Duration] { return durations(t.ended) }

// Open yields the times that were still open, the shortest first.
func (t Times) Open() iter.Seq[time.Duration] { return durations(t.open) }

func durations(all []brief) iter.Seq[time.Duration] {
	return func(yield func(time.Duration) bool) {
		for _, b := range all {
			if !yield(b.duration()) {
				return
			}
		}
	}
}

// TimesBuilder collects times. It grows by pages, so that millions of times
// are not copied while a history is read.
type TimesBuilder struct {
	pages   [][]brief
	open    []brief
	longest time.Duration
	n       int
}

// Add adds a time, and says whether it is the longest so far: the one whose
// story is worth keeping.
func (b *TimesBuilder) Add(took time.Duration, open bool) (longest bool) {
	longest = b.n == 0 || took > b.longest
	if longest {
		b.longest = took
	}
	b.n++
	if open {
		b.open = append(b.open, briefly(took))
		return longest
	}
	last := len(b.pages) - 1
	if last < 0 || len(b.pages[last]) == pageSize {
		b.pages = append(b.pages, nil)
		last++
	}
	b.pages[last] = append(b.pages[last], briefly(took))
	return longest
}

// Len is how many times were added.
func (b *TimesBuilder) Len() int { return b.n }

// Longest is the longest time that was added.
func (b *TimesBuilder) Longest() time.Duration { return b.longest }

// Times are those that were added so far.
func (b *TimesBuilder) Times() Times { return built(b) }

// built are the times of several builders together.
func built(all ...*TimesBuilder) Times {
	var ended, open [][]brief
	for _, b := range all {
		ended, open = append(ended, b.pages...), append(open, b.open)
	}
	return Times{ended: sorted(ended), open: sorted(open)}
}

// brief is a time in four bytes, in the order of times: nanoseconds where the
// first bit is 0, else microseconds or milliseconds, which the second tells.
type brief uint32

const (
	inMicros brief = 0b10 << 30
	inMillis brief = 0b11 << 30
	payload  brief = 1<<30 - 1
	neverEnd       = ^brief(0)
)

func briefly(d time.Duration) brief {
	switch {
	case d < 0:
		return 0
	case d < 1<<31:
		return brief(d)
	case d/time.Microsecond <= time.Duration(payload):
		return inMicros | brief(d/time.Microsecond)
	case d/time.Millisecond < time.Duration(payload):
		return inMillis | brief(d/time.Millisecond)
	}
	return neverEnd // twelve days are as good as that
}

func (b brief) duration() time.Duration {
	switch {
	case b == neverEnd:
		return Never
	case b < inMicros:
		return time.Duration(b)
	case b < inMillis:
		return time.Duration(b&payload) * time.Microsecond
	}
	return time.Duration(b&payload) * time.Millisecond
}
