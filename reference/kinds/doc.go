// Package kinds has the work of the kinds of jobs that take several steps:
// provision, cluster and pipeline.
//
//	acquire ─▶ steps done? ─▶ step 1: call(s) ─▶ finish ─▶ step 2 … ─▶ finish, resource ─▶ effect
//	                │                                 ▲
//	takeover ───────┘ goes on behind the last finished step
//
// Each step is one call of a backend, or several at once, under keys made of
// the job's. What has been finished is in Postgres.
//
// Invariants:
//
//   - A finished step is not called again, whoever takes the job over.
//   - A step is finished by the execution that is in force: one statement looks
//     at the token, locks the job's row and writes. A superseded one writes
//     nothing and learns that it is lost.
//   - The last step leaves the job's resource by the same statement, so that
//     there is no finished job without its resource, and none twice.
//   - The job's effect comes when all steps are finished, and its key is the
//     job's: the outside world sees one job, done once.
//   - Trouble of a backend, or a breaker or bulkhead that refuses to call it, is
//     waited out within the attempt. Only what the job itself asks for wrongly
//     counts as its failure.
//
// Failure cases: killed between a call and its finish (the successor makes the
// same call under the same key, which the backend knows); taken over during a
// call (that call may arrive late, under a key whose effect has been taken);
// Postgres away (finishing is tried again until the lease has run out).
package kinds
