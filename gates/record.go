package gates

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Source is a recorded history: one that was read from a file, or one in
// memory. Events yields an error, as its last pair, where the record is not
// whole: unsealed, edited or malformed.
type Source interface {
	Header() history.Header
	Events() iter.Seq2[history.Event, error]
}

// maxEvents is the longest history that can be judged: meters keep an event's
// number in 31 bits.
const maxEvents = 1<<31 - 1

// record watches the history as a whole: whether it can be believed, and what
// raises a doubt about the drill.
type record struct {
	last    uint64
	at      time.Duration
	ended   bool
	broken  string // why it cannot be believed
	early   string // why the script was not followed
	trailed uint64 // first event after the end
	faults  Faults
	stalls  Stalls
	clock   clock
	ends    ends
	trouble []blow // what the harness failed to do, the first of each kind
}

// troubleLimit bounds what is told of the harness's own failures.
const troubleLimit = 10

func (r *record) observe(e *history.Event) error {
	switch {
	case e.Seq != r.last+1:
		return fmt.Errorf("event %d follows event %d: events are missing or doubled", e.Seq, r.last)
	case e.At < r.at:
		return fmt.Errorf("event %d is earlier than the one before it", e.Seq)
	case e.Seq > maxEvents:
		return fmt.Errorf("it is longer than %d events", maxEvents)
	}
	r.last, r.at = e.Seq, e.At
	if r.ended && r.trailed == 0 {
		r.trailed = e.Seq
	}
	r.faults.Observe(e)
	r.stalls.Observe(e)
	r.clock.observe(e)
	r.ends.observe(e, r.faults.Lives())
	if e.Op == history.OpTrouble {
		r.fail(e)
	}
	if e.Op == history.OpEnd {
		r.ended = true
		if e.Phase != history.OK {
			r.early = e.Err
			if r.early == "" {
				r.early = "no reason is given"
			}
		}
	}
	return nil
}

// fail takes note of what the harness failed to do.
func (r *record) fail(e *history.Event) {
	detail, err := history.Decode[history.Trouble](e)
	if err != nil || detail.Count > 1 || len(r.trouble) == troubleLimit {
		return
	}
	r.trouble = append(r.trouble, blow{
		why:   fmt.Sprintf("the harness failed to %s (%s, event %d): %s", detail.What, e.Actor, e.Seq, e.Err),
		since: e.At - unnoticedBlow,
	})
}

// doubts are the reasons why nothing may pass in this drill.
func (r *record) doubts() []string {
	var doubts []string
	switch {
	case !r.ended:
		doubts = append(doubts, "the drill was cut short: its history has no end")
	case r.early != "":
		doubts = append(doubts, "the script was not followed: "+r.early)
	}
	return slices.Concat(doubts, r.disturbed())
}

// disturbed are the doubts that are not about how far the script was followed: about
// its faults, and about what befell the drill from outside.
func (r *record) disturbed() []string {
	var doubts []string
	if r.trailed != 0 {
		doubts = append(doubts, fmt.Sprintf("event %d comes after the end of the drill", r.trailed))
	}
	for _, life := range r.faults.Lives() {
		if doubt := life.Doubt(); doubt != "" {
			doubts = append(doubts, doubt)
		}
	}
	return slices.Concat(doubts, whys(r.trouble), whys(r.ends.tell()))
}
