package history

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Phase says where an operation stands.
type Phase string

// The phases of an operation.
const (
	Invoke Phase = "invoke" // begun
	OK     Phase = "ok"     // done
	Fail   Phase = "fail"   // certainly had no effect
	Info   Phase = "info"   // ended with its outcome open, or a remark
)

// Event is one line of a history.
type Event struct {
	Seq    uint64          `json:"seq"`           // assigned by the log, from 1
	At     time.Duration   `json:"at"`            // since the log was created, nanoseconds
	Actor  string          `json:"actor"`         // client/3, fault/1, script, witness, engine, replica-2
	Op     string          `json:"op"`            // one of the Op constants
	Phase  Phase           `json:"phase"`         //
	Key    string          `json:"key,omitempty"` // idempotency key
	Detail json.RawMessage `json:"detail,omitempty"`
	Err    string          `json:"err,omitempty"`
}

// The operations that a history knows, with their actor, phases and detail.
const (
	OpSubmit   = "submit"   // client/N: invoke, ok | fail | info; Submit
	OpEffect   = "effect"   // witness: ok (accepted or seen), fail (stale); Effect
	OpCall     = "call"     // backend/NAME: invoke, perhaps info (its sender hung up), ok (accepted or seen) | fail (stale or failed); Effect
	OpTook     = "took"     // witness: info, what a replica has measured; Durations
	OpPlan     = "plan"     // fault/N: ok | fail; Fault
	OpInject   = "inject"   // fault/N: invoke, ok (in effect, with evidence) | info (indeterminate); Fault
	OpRecover  = "recover"  // fault/N: invoke, ok | info; Fault
	OpStep     = "step"     // script: invoke, ok | fail; Step
	OpLoad     = "load"     // load/N: invoke, ok; Load
	OpDrain    = "drain"    // engine: invoke, ok | fail; Drain
	OpSnapshot = "snapshot" // engine: ok | fail, Key "baseline" or "rest"; Snapshot
	OpRead     = "read"     // reader: ok (a replica has told what became of a job), info (none has, or none can be asked); Read
	OpExit     = "exit"     // a process: info; Exit
	OpRefused  = "refused"  // witness, or backend/NAME: info, requests that it would not take; Refused
	OpStall    = "stall"    // harness: info, it did not get to run until now; Stall
	OpTrouble  = "trouble"  // harness, witness, backend/NAME or link/FROM->TO: info, what it failed to do (Err), so that the system met a fault that is none; Trouble
	OpEnd      = "end"      // engine: ok (the script was followed), info (it was not; Err says why); always the last
)

// Header is the first line of a history: what was drilled, and what it
// promised.
type Header struct {
	Schema     int               `json:"schema"`
	Started    time.Time         `json:"started"` // wall clock, for people only
	Scenario   string            `json:"scenario"`
	Digest     string            `json:"digest"` // SHA-256 of the scenario's source
	System     string            `json:"system"`
	Substrate  string            `json:"substrate"`
	Replicas   int               `json:"replicas"`
	Seed       uint64            `json:"seed"`
	Trial      int               `json:"trial,omitempty"`
	Guarantees Guarantees        `json:"guarantees"`
	Settle     time.Duration     `json:"settle"` // nanoseconds
	Versions   map[string]string `json:"versions,omitempty"`
	Options    map[string]string `json:"options,omitempty"` // what the system was started with, such as a defect
	// Allowance is by how much counts of a replica may grow at rest, where the system
	// tells its own.
	Allowance map[string]int64 `json:"allowance,omitempty"`
}

// Drilled names what was drilled: the system with its options.
func (h Header) Drilled() string {
	name := h.System
	for _, option := range slices.Sorted(maps.Keys(h.Options)) {
		name += ", " + option + " " + h.Options[option]
	}
	return name
}

// Guarantees mirrors drills.Guarantees: what the system declared.
type Guarantees struct {
	Leader  bool     `json:"leader"`
	Jobs    bool     `json:"jobs"`
	Effects string   `json:"effects"`
	Means   []string `json:"means,omitempty"`
	// ConcurrencyKeys: of jobs that share a concurrency key one is at work at a time.
	ConcurrencyKeys bool `json:"concurrency_keys,omitempty"`
	// Leaderships are the names of all leaderships; see [Leases].
	Leaderships []string `json:"leaderships,omitempty"`
}
