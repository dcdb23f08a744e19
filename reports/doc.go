// Package reports tells people and machines what drills showed. It judges
// nothing anew: it takes what package gates found, and writes it down.
//
//	judgement + header ──Build──▶ Results (results.json of one drill)
//	                                 │ Merge, over trials
//	                                 ▼
//	                              Results ──NewDocument──▶ Document ──▶ writers
//
// [Results] is the schema of results.json; a [Document] is what `--json`
// prints and what every writer takes. Writers are one file a format: terminal,
// JSON, JUnit and Markdown; see [Formats].
//
// A number that is not known is null and has its reason in "missing". JSON has
// no infinity: a sample that never ended is counted in "never", and a quantile
// that falls on one is null.
package reports
