package reports

import (
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
	Runs    []Results     `json:"runs"`
}

// NewDocument is the document of several scenarios. A failed one outweighs an
// unknown one; one that did not run spoils nothing, unless nothing ran. Under
// strict, one that was skipped makes the whole unknown at best.
func NewDocument(runs []Results, strict bool) Document {
	verdicts := make([]gates.Verdict, 0, len(runs)+1)
	for _, r := range runs {
		verdicts = append(verdicts, r.Verdict)
		if strict && r.Skipped != "" {
			verdicts = append(verdicts, gates.Unknown)
		}
	}
	if runs == nil {
		runs = []Results{}
	}
	return Document{Schema: Schema, Verdict: gates.Worst(verdicts...), Runs: runs}
}

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
