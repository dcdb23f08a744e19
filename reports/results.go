package reports

import (
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Schema is the version of [Results] and [Document].
const Schema = 1

// Results is what one scenario showed: one drill, or all its trials.
type Results struct {
	Schema    int           `json:"schema"`
	Verdict   gates.Verdict `json:"verdict"` // "n/a" only where the scenario did not run
	Scenario  string        `json:"scenario"`
	File      string        `json:"file,omitempty"`   // of the scenario, where it is not built in
	Seed      uint64        `json:"seed"`             // of the first trial
	Trial     int           `json:"trial,omitempty"`  // which one this is, of several
	System    string        `json:"system,omitempty"` // with its options: a defect is no sound system
	Substrate string        `json:"substrate,omitempty"`
	Replicas  int           `json:"replicas,omitempty"`
	Started   time.Time     `json:"started,omitzero"`
	Took      Millis        `json:"took_ms"`
	Events    uint64        `json:"events"`
	Version   string        `json:"version,omitempty"` // of the drillrun that recorded it
	Digest    string        `json:"digest,omitempty"`  // SHA-256 of the scenario
	Run       string        `json:"run,omitempty"`     // the run's folder
	Repeat    string        `json:"repeat,omitempty"`  // the command that does it again
	// Seal is the SHA-256 of the record, which its last line holds: whoever has kept it
	// knows this record from any other.
	Seal     string   `json:"seal,omitempty"`
	SignedBy string   `json:"signed_by,omitempty"` // fingerprint of the key, where the signature was verified
	Remarks  []string `json:"remarks,omitempty"`   // what one should know of the record, and no doubt about it

	Options map[string]string `json:"options,omitempty"` // of the system

	Asked        bool   `json:"asked,omitempty"`          // for by name: skipping it leaves the verdict unknown
	Skipped      string `json:"skipped,omitempty"`        // what the machine lacks
	Inapplicable string `json:"not_applicable,omitempty"` // what the system lacks

	Why     []string          `json:"why,omitempty"` // doubts about the drill as a whole
	Gates   []Gate            `json:"gates"`
	Metrics map[string]Metric `json:"metrics"`
	Missing map[string]string `json:"missing,omitempty"` // why a metric is not known, by name
	// ZeroBelow has, for each count that was zero in every trial, the share of
	// trials in which it is not, at most: at 95 % confidence.
	ZeroBelow map[string]float64 `json:"zero_below,omitempty"`
	Faults    []Fault            `json:"faults"`
	Trials    []Trial            `json:"trials,omitempty"` // where there was more than one
}

// Gate is the verdict of one gate line.
type Gate struct {
	Gate     string          `json:"gate"`
	Line     int             `json:"line,omitempty"` // of the scenario's file
	Metric   string          `json:"metric"`
	Verdict  gates.Verdict   `json:"verdict"`
	Observed string          `json:"observed"`
	Why      string          `json:"why"`
	Proved   bool            `json:"proved,omitempty"` // a violation that stands whatever is in doubt about the drill
	Evidence []uint64        `json:"evidence"`         // numbers of events
	Events   []history.Event `json:"events,omitempty"` // those around the evidence of a failing gate
	Repeat   string          `json:"repeat,omitempty"` // the trial that shows it, over several
}

// Fault is the life of one fault.
type Fault struct {
	Fault       string         `json:"fault"` // as the script has it
	Victim      string         `json:"victim"`
	State       string         `json:"state"`
	BegunAt     *Millis        `json:"begun_at_ms"`
	InEffectAt  *Millis        `json:"in_effect_at_ms"`
	RecoveredAt *Millis        `json:"recovered_at_ms"`
	Evidence    map[string]any `json:"evidence,omitempty"`
	Doubt       string         `json:"doubt,omitempty"`
}

// Trial is one of several drills of a scenario.
type Trial struct {
	Trial   int           `json:"trial"`
	Seed    uint64        `json:"seed"`
	Verdict gates.Verdict `json:"verdict"`
	Failed  []string      `json:"failed,omitempty"` // gate lines
	Why     []string      `json:"why,omitempty"`
	Run     string        `json:"run,omitempty"`
	Repeat  string        `json:"repeat,omitempty"`
	Seal    string        `json:"seal,omitempty"`
}

// Millis is a time in milliseconds.
type Millis float64

// NewMillis is a duration as reports have it.
func NewMillis(d time.Duration) Millis { return Millis(float64(d) / float64(time.Millisecond)) }

// Duration is the time, to the nanosecond.
func (m Millis) Duration() time.Duration {
	return time.Duration(float64(m)*float64(time.Millisecond) + 0.5)
}

// Document is what a command showed: all its scenarios.
type Document struct {
	Schema  int           `json:"schema"`
	Verdict gates.Verdict `json:"verdict"`
	Error   *Error        `json:"error,omitempty"` // why it is not all that was asked for
	Runs    []Results     `json:"runs"`
}

// Error is why a command could not do all that it was asked to.
type Error struct {
	Exit int    `json:"exit"` // its exit status
	Why  string `json:"why"`
}

// The exit statuses of a command that could not do what it was asked to.
const (
	ExitUsage       = 3   // wrong usage, or a mistake in a scenario
	ExitEnvironment = 4   // something could not be started, healed, recorded or written
	ExitCrash       = 70  // a mistake of drillrun itself
	ExitInterrupted = 130 // by a signal, after healing
)

// Kind is the exit status in a word.
func (e *Error) Kind() string {
	switch e.Exit {
	case ExitUsage:
		return "usage"
	case ExitCrash:
		return "crash"
	case ExitInterrupted:
		return "interrupted"
	}
	return "environment"
}

// NewDocument is the document of several scenarios. A failed one outweighs an
// unknown one; one that did not run spoils nothing, unless nothing ran. One that
// was skipped although it was asked for by name, or under strict any, makes the
// whole unknown at best.
func NewDocument(runs []Results, strict bool) Document {
	d := Document{Schema: Schema, Runs: []Results{}}
	verdicts := make([]gates.Verdict, 0, len(runs)+1)
	for _, r := range runs {
		r.Asked = r.Asked || strict && r.Skipped != ""
		verdicts = append(verdicts, r.Verdict)
		if r.missed() {
			verdicts = append(verdicts, gates.Unknown)
		}
		d.Runs = append(d.Runs, r)
	}
	d.Verdict = gates.Worst(verdicts...)
	return d
}

// Broken is the document of a command that ended with that exit status and did
// not do all that it was asked to: whatever it holds, it does not pass.
func (d Document) Broken(exit int, why string) Document {
	d.Error = &Error{Exit: exit, Why: why}
	d.Verdict = gates.Worst(d.Verdict, gates.Unknown)
	return d
}

// vain is why the document is unknown although none of its runs is.
func (d Document) vain() string {
	if d.Verdict != gates.Unknown || d.Error != nil {
		return ""
	}
	ran := false
	var missed []string
	for _, r := range d.Runs {
		switch {
		case r.ran() && r.Verdict == gates.Unknown:
			return ""
		case r.missed():
			missed = append(missed, r.Scenario+" was asked for, and is "+r.notRunBecause())
		}
		ran = ran || r.ran()
	}
	if !ran && len(missed) == 0 {
		return "nothing was drilled"
	}
	return strings.Join(missed, "; ")
}

// missed says that a scenario did not run, and should have.
func (r Results) missed() bool { return r.Skipped != "" && r.Asked }

// ExitCode is the exit status of a command that ran to its end: 0 where all
// passed, 1 where a gate failed, 2 for anything else.
func (d Document) ExitCode() int { return exitCode(d.Verdict) }

func exitCode(v gates.Verdict) int {
	switch v {
	case gates.Pass:
		return 0
	case gates.Fail:
		return 1
	}
	return 2
}

// Skip is the result of a scenario that needs what the machine lacks.
func Skip(scenario string, seed uint64, reason string) Results {
	r := notRun(scenario, seed)
	r.Skipped = reason
	return r
}

// Inapplicable is the result of a scenario that needs what the system lacks.
func Inapplicable(scenario string, seed uint64, reason string) Results {
	r := notRun(scenario, seed)
	r.Inapplicable = reason
	return r
}

func notRun(scenario string, seed uint64) Results {
	return Results{
		Schema: Schema, Verdict: gates.NotApplicable, Scenario: scenario, Seed: seed,
		Gates: []Gate{}, Metrics: map[string]Metric{}, Faults: []Fault{},
	}
}

// ran says whether there was a drill at all.
func (r Results) ran() bool { return r.Skipped == "" && r.Inapplicable == "" }

// notRunBecause is why there was none.
func (r Results) notRunBecause() string {
	if r.Skipped != "" {
		return "skipped: " + r.Skipped
	}
	return "n/a: " + r.Inapplicable
}
