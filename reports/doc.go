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
// JSON, JUnit, Markdown and GitHub's annotations; see [Formats].
//
// A [Matrix] is what package prove found of known defects; see [MatrixFormats]
// and [TrackRecord]. A [League] is the results of several systems side by side;
// see [LeagueFormats].
//
// A number that is not known is null and has its reason in "missing". JSON has
// no infinity: a sample that never ended is counted in "never", and a quantile
// that falls on one is null. Over several trials, what was seen comes with what
// it is worth, whatever the distribution: quantiles with confidence intervals
// from order statistics, and counts of zero with an upper bound.
package reports
