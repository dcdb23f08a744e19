// Package gates judges histories: it measures what a drill did and holds the
// measurements against the bounds that the scenario asks for.
//
//	gate lines ──Compile──▶ gates ─┐
//	                               ├──Judge──▶ judgement ──▶ reports
//	history ──one pass──▶ meters ──┘
//
// A [Metric] is one thing that can be measured, in a package of its own below
// this one. Its [Meter] is fed event by event, so that one pass over ten
// million events serves all metrics. What it found is a [Measurement]: samples
// or a value, with the events that show it, or the reason why it cannot be
// known. A [Gate] is a compiled line "metric[.aggregate] operator value".
//
// Invariants:
//
//   - The history is the only input. The same record gives the same verdicts
//     on every machine.
//   - [Unknown] is the zero verdict. Only evidence makes a [Pass]: each metric
//     states the minimum that it needs and reports itself as missing below it.
//   - A measurement is an interval, not a number: what had not ended when the
//     record did, or could still grow, is only known from below. A gate passes
//     when all of the interval is within its bound, fails when none of it is,
//     and is unknown otherwise. So a proven violation fails whatever else is
//     unknown, and an absence is never claimed from half a record.
//   - fail > unknown > pass; "n/a" (the system does not promise it) is left
//     out, and nothing but "n/a" is unknown. Where the record contradicts that,
//     as by terms of a system that promises no leader, the reason says so.
//   - What nobody asked for was not refused. Time in which no client asked is no
//     outage, a backend that nobody wanted is not late ([Sample].Slack), and a fault
//     that met no operation has put nothing to the test ([Measurement].Vain): a pass
//     is unknown then, and a fail stands.
//   - A doubt about the whole drill (a fault that never bit, a script that was
//     not followed) turns every pass into unknown.
//   - A script that broke off leaves a measurement open to whatever the rest of it
//     might have brought: only what no continuation could mend is a fail.
//   - What the harness, or somebody outside the drill, may have caused accuses no
//     system: a fault that was not recovered, a process that ended by no fault of
//     the script's, a socket that could not be opened, a harness that stood still.
//     A fail over something that did not happen, or took long, is unknown then. A
//     violation that is an act of the system's ([Metric].Act) stands, and so does
//     one that a stall is too short to explain.
//   - A record that cannot be believed (edited, unsealed, malformed) gives no
//     verdict at all: everything is unknown, fails included.
//
// Failure cases: a meter that panics is unknown with the reason, and the others
// go on; a source that panics or ends with an error is a record that cannot be
// believed. [Judge] itself never panics.
//
// Memory: meters hold no events. Subjects (what must happen once) are kept as
// 64-bit hashes; see [Subject] for the odds of a collision. Times that come with
// every operation are kept as [Times], four bytes each, and their stories are
// told of the longest only.
package gates
