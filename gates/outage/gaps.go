package outage

import (
	"cmp"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

const (
	// several operations, asked for in a gap, show that it goes on behind the end
	// of the schedule for as long as none of them is acknowledged.
	several = 5
	// keep is how many gaps are remembered: of the longest, some may be explained.
	keep = 20
	// together is how soon behind the end of its last operation a load ends whose
	// schedule was over before that.
	together = 500 * time.Millisecond
)

// gap is a window without an acknowledgement.
type gap struct {
	gates.Window
	edges [2]uint64
	idle  time.Duration // in which nothing was asked, or nothing is known of that
	asked int           // operations that were meant to be sent in it
}

func (g gap) took() time.Duration { return g.To - g.From }

// gaps follows the windows between acknowledgements while loads run.
type gaps struct {
	began    time.Duration
	mark     gates.Moment  // the load's begin, or the last acknowledgement
	demand   time.Duration // since when something was asked for in this gap
	demanded bool
	asked    int
	schedule time.Duration // when the last operation was meant to be sent
	ended    time.Duration // when the last one ended
	invoked  bool          // the record has the begins of operations
	kept     []gap         // the longest first
}

func (s *gaps) begin(now gates.Moment) {
	s.began, s.mark, s.demanded, s.asked, s.schedule, s.ended = now.At, now, false, 0, 0, 0
}

// ask takes note of an operation, as any event of it tells when it was meant to be
// sent.
func (s *gaps) ask(e *gates.Event, intended time.Duration) {
	begins := e.Phase == history.Invoke
	s.invoked = s.invoked || begins
	if !begins {
		s.ended = e.At
	}
	if intended <= 0 {
		if !begins {
			return
		}
		intended = e.At
	}
	intended = min(intended, e.At)
	s.schedule = max(s.schedule, intended)
	if since := max(intended, s.mark.At); !s.demanded || since < s.demand {
		s.demand, s.demanded = since, true
	}
	if intended > s.mark.At && (begins || !s.invoked) {
		s.asked++
	}
}

// acknowledge ends a gap and begins the next one, in which something is asked for
// from the beginning if more is under way.
func (s *gaps) acknowledge(now gates.Moment, interval time.Duration, more bool) {
	s.add(s.gap(now, interval))
	s.mark, s.demand, s.demanded, s.asked = now, now.At, more, 0
}

func (s *gaps) gap(now gates.Moment, interval time.Duration) gap {
	g := gap{Window: gates.Window{From: s.mark.At, To: now.At}, edges: [2]uint64{s.mark.Seq, now.Seq}, asked: s.asked}
	switch {
	case s.demanded:
		g.idle = s.demand - s.mark.At
	case s.invoked: // or it would be told
		g.idle = g.took()
	default:
		g.idle = min(interval, g.took())
	}
	return g
}

func (s *gaps) add(g gap) {
	at, _ := slices.BinarySearchFunc(s.kept, g, func(a, b gap) int { return cmp.Compare(b.took(), a.took()) })
	if at < keep {
		s.kept = slices.Insert(s.kept, at, g)
		s.kept = s.kept[:min(keep, len(s.kept))]
	}
}

// end closes the last gap of a stretch of loads. What reaches beyond the schedule
// is cut off, unless something was asked for in the gap: by one operation alone it
// is not believed, by several it is, and in between nobody knows.
func (s *gaps) end(now gates.Moment, interval time.Duration) {
	s.add(s.gap(now, interval))
	if s.schedule == 0 || now.At-s.ended > together {
		return // it is not told when the schedule was over, or it was over now
	}
	for i, g := range s.kept {
		if g.From < s.began || g.To <= s.schedule || g.asked >= several {
			continue
		}
		beyond := g.To - max(g.From, s.schedule)
		if g.asked > 1 {
			s.kept[i].idle = min(g.took(), g.idle+beyond)
			continue
		}
		s.kept[i].To -= beyond
		s.kept[i].idle = min(g.idle, s.kept[i].took())
	}
	slices.SortStableFunc(s.kept, func(a, b gap) int { return cmp.Compare(b.took(), a.took()) })
}

// closed are the gaps with the one that is open now.
func (s *gaps) closed(now gates.Moment, interval time.Duration) gaps {
	all := *s
	all.kept = slices.Clone(s.kept)
	all.add(all.gap(now, interval))
	return all
}
