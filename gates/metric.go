package gates

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills/history"
)

// Unit is what a metric is measured in.
type Unit int

// The units of metrics.
const (
	Duration Unit = iota + 1 // samples of time; takes aggregates
	Count                    // a number of things, which add up over trials
	Level                    // a number that does not add up: the most at once, how many there are
	Share                    // a fraction, 0 to 1
	Rate                     // a number of things a second; N is how many there were
)

func (u Unit) String() string {
	switch u {
	case Duration:
		return "time"
	case Count, Level:
		return "count"
	case Share:
		return "share"
	case Rate:
		return "rate"
	}
	return fmt.Sprintf("unit(%d)", int(u))
}

// Metric is one thing that can be measured in a history.
type Metric struct {
	Name    string // as gate lines have it
	Summary string // one line
	Doc     string // what it means and what makes it fail, in sentences
	Unit    Unit
	// Requires are the promises of the system without which the metric is not
	// applicable: "leader", "jobs", "exactly-once", "fencing",
	// "concurrency-keys".
	Requires []string
	Needs    string // the minimum of evidence, in words
	// Least is the smallest that it can be where it is known at all, such as 1 of the
	// tries of a call; of a Duration, the number of its samples, of which one is
	// the least. A bound that it keeps judges nothing.
	Least float64
	// Act says that a violation is something that the system did, such as one
	// effect more. Such a violation stands whatever befell the harness; that
	// something did not happen, or took long, is excused by it.
	Act bool
	New func(history.Header) Meter
}

// Meter measures one metric in one history, event by event. An event is valid
// only until Observe returns; the strings in it may be kept.
type Meter interface {
	Observe(*Event)
	// Measure says what the events so far show.
	Measure() Measurement
}

// Never is the duration of a sample whose end never came.
const Never = time.Duration(math.MaxInt64)

// Sample is one measured time.
type Sample struct {
	Took time.Duration // Never where the end was waited for and did not come
	// Open says that the record ended first: Took is only known from below.
	Open   bool
	Most   time.Duration // where Took is only known from below: what it is at the most, unless Open; 0 where it is exact
	Waited time.Duration // where Took is Never: how long the end was waited for
	// Slack is by how much it may have been shorter in truth, for want of somebody
	// who asked; the reason is WhyOpen of the measurement.
	Slack time.Duration
	// Spans is when the sample was taken on the clock of the record. By as much as
	// the harness stood still in it, the sample may be shorter in truth. It is
	// empty where that clock has no part in it: a replica measured the time itself.
	Spans    Window
	Note     string   // what happened, in words
	Evidence []uint64 // the events that begin and end it
}

// Measurement is what a meter found.
type Measurement struct {
	Samples []Sample // of a Duration
	Times   Times    // of a Duration with too many samples to tell of each; instead of Samples
	WhyOpen string   // why open samples are, or have slack; that the record ended first, if empty
	Value   float64  // of a Count, a Level, a Share or a Rate
	// Values are all that were found of a Level that has one for each of many
	// things, the smallest first: a gate holds only if it holds for each of
	// them. Value is the largest then.
	Values []float64
	// AtLeast says that Value is proved, and that it may be more: the reason
	// is Missing.
	AtLeast bool
	Most    float64 // where AtLeast: what it is at the most; 0 where nobody knows
	// Final says that nothing that the rest of the drill might have brought can
	// change what was found: a complete drain shows what is missing for good,
	// although the script was not followed to its end.
	Final bool
	// Vain says why a pass would prove nothing, such as a fault that met no
	// operation; what fails fails all the same. Empty where it would.
	Vain string
	// Best are the times, of Samples too, as they would be without the stalls of
	// the harness and without slack, and WhyBest is the reason; empty where they
	// are the same. Of samples, the judge fills it in.
	Best    Times
	WhyBest string
	// Spans is when a Rate was observed. By as much as the harness stood still in
	// it, the rate may be higher in truth.
	Spans    Window
	N        int      // how many observations Value rests on
	Evidence []uint64 // the events that show Value, EvidenceLimit at most
	Note     string   // a remark for people
	Missing  string   // why it cannot be known: the minimum of evidence is not met
}

// EvidenceLimit bounds the evidence of one measurement: it is for people to
// look at, and a count of ten thousand needs no more proof than twenty of them.
const EvidenceLimit = 20

// AppendEvidence adds events to the evidence up to EvidenceLimit.
func AppendEvidence(evidence []uint64, seqs ...uint64) []uint64 {
	room := max(0, EvidenceLimit-len(evidence))
	return append(evidence, seqs[:min(room, len(seqs))]...)
}

// inapplicable says why the metric does not apply to a system, or nothing.
func (m Metric) inapplicable(g history.Guarantees) string {
	for _, want := range m.Requires {
		if offered, lack := offers(g, want); !offered {
			return lack
		}
	}
	return ""
}

// offers says whether a system promises something, and in words what it lacks
// otherwise.
func offers(g history.Guarantees, want string) (offered bool, lack string) {
	switch want {
	case "leader":
		return g.Leader, "the system has no leader"
	case "jobs":
		return g.Jobs, "the system takes no jobs"
	case "exactly-once":
		return g.Effects == "exactly-once", "the system does not promise effects exactly once"
	case "concurrency-keys":
		return g.ConcurrencyKeys, "the system does not promise to heed concurrency keys"
	case "fencing":
		return g.Leader || slices.Contains(g.Means, "fencing"), "the system has no leader and fences nothing"
	}
	return false, "the system does not offer " + want
}
