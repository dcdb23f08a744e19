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
// Scenarios are tried in the order in which the defect names them, the cheapest
// first, until one has caught it. Before a scenario is first held against a
// defect, it is held against the sound system: what accuses that one accuses
// everything.
//
// The time to catch is what somebody waits: from the start of a drill, stores and
// replicas included, to its verdict; of several trials, the median.
//
// A proof can be put on top of an earlier one, so that a defect that is new need
// not be proved with all the others again; see [Onto].
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
