// Package prove holds drills against known defects: a gate that has never been
// seen to fail proves nothing.
//
//	defects × scenarios ──Drill──▶ results ──judge──▶ findings ──▶ kill matrix
//	sound system × the same scenarios ──┘
//
// A defect is caught by a drill whose gate on the metric that names its symptom
// failed, in every trial. Anything else is not a catch: another gate alone, a
// crash, a timeout, an unknown verdict. It is told as what it was.
//
// A drill that is in doubt as a whole (its script was not followed, a fault of it was
// not proved, the harness failed at something) catches nothing either, unless the
// violation stands in spite of all that: the system did something that it must not
// do, what is missing is missing for good, or no continuation of the script could
// mend it and all faults until then were sound.
//
// What has caught a defect must be the fault, and not a system that does no work
// anyway. So the defective system is drilled once more in the same scenario with the
// faults taken out, and must do its work and keep the gates of [Unharmed] and all upper bounds on the
// metric that names the symptom. A defect that shows without any fault is declared
// to ([Defect].ShowsInCalm).
//
// Scenarios are tried in the order in which the defect names them, the cheapest
// first, until one has caught it. Before a scenario is first held against a
// defect, it is held against the sound system: what accuses that one accuses
// everything.
//
// The time to catch is what somebody waits: from the start of a drill, stores and
// replicas included, to its verdict; of several trials, the median.
//
// A proof can be put on top of an earlier one, so that a defect that is new need
// not be proved with all the others again; see [Onto]. Rows keep the version of
// drillrun and the digest of the scenario: what was found of a scenario that has
// changed since is stale, and is told and counts for nothing.
//
// Invariants:
//
//   - A defect is missed only after every scenario that should catch it was
//     tried and showed nothing unknown.
//   - Trial n of a scenario has the same number for every defect and for the
//     sound system, and so the same seed.
//   - What was not run is told as not run, never as missed and never left out.
//
// Failure cases: a drill that cannot be started, an interruption and a budget
// that is used up end the proof where it stands; the matrix holds what was found
// until then, and its verdict is unknown at best.
package prove
