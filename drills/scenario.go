package drills

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Args are the arguments of a step: words, then key=value options.
type Args struct {
	Words   []string
	Options map[string]string
}

// Option returns the value of an option, or the fallback where it is not set.
func (a Args) Option(name, fallback string) string {
	if v, ok := a.Options[name]; ok {
		return v
	}
	return fallback
}

// VerbSpec is what the parser and `drillrun list` know of a verb.
type VerbSpec struct {
	Name    string // first word of the line
	Usage   string // "kill TARGET [for=DURATION]"
	Summary string // one line
	Doc     string // what it does, in sentences; may be empty
	// Check judges the arguments before anything starts. Its error says what
	// is wrong and what to write instead; the parser adds file, line and verb.
	Check func(Args) error
	// Aims are what has to be there for the step to be taken, from arguments that
	// Check took. Nil is nothing.
	Aims func(Args) []Aim
	// Breaks says that there is a victim after it.
	Breaks bool
	// Background says that the step may end in "&".
	Background bool
	// Lasts is how long the step takes by its arguments, as far as they say. Nil is
	// no time.
	Lasts func(Args) time.Duration
	// Endless says that the step would never end by itself. Nil is never.
	Endless func(Args) bool
	// After is the verb that must stand before it; may be empty.
	After string
}

// Step is one line of a script.
type Step struct {
	Line       int
	Text       string // as written, comment removed
	Verb       string
	Args       Args
	Background bool
	Repeat     int    // for the verb "repeat": how often Body runs
	Body       []Step // for the verb "repeat"
}

// GateLine is a gate or the condition of an abort, not yet compiled.
type GateLine struct {
	Line int
	Text string
}

// Scenario is a parsed and checked script.
type Scenario struct {
	Name     string
	File     string // as errors name it
	Summary  string // first comment line, without the name
	Source   []byte // as read, for the run folder and the digest
	Replicas int
	Requires []string          // capabilities that the system must offer
	Options  map[string]string // of the system, as the scenario needs it
	Aborts   []GateLine        // on any of these conditions the drill is aborted
	Steps    []Step
	Gates    []GateLine
}

// Digest is the SHA-256 of a scenario's source.
func Digest(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:])
}

// LineError is an error at a line of a scenario: "file:line: text: problem".
type LineError struct {
	File string
	Line int
	Text string // the line, or the part of it that is meant; may be empty
	Err  error
}

func (e *LineError) Error() string {
	if e.Text == "" {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: %s: %v", e.File, e.Line, e.Text, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }
