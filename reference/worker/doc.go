// Package worker runs the jobs of one lane: read, acquire, work, close by
// token, acknowledge. Lanes share nothing but the stores, so that a flood of
// one kind keeps no other waiting.
//
//	         ┌──────────── intake ────────────┐   ┌─ execution (one per slot) ─┐
//	stream ─▶ receive/reclaim ─▶ acquire ─▶ start ─▶ handler ─▶ complete ─▶ ack │
//	                                 │            │         └▶ fail ─────▶ ack │
//	                                 │            └────────────────────────────┘
//	                                 └ finished: ack · elsewhere: leave pending
//	renewer: every lease/4, ledger then stream, all executions at once
//	closer:  all executions that are done, as many as have come together
//
// Invariants:
//
//   - An entry is acknowledged when its job is final or announced again, never
//     before. A job that runs elsewhere keeps its entry: if that worker dies,
//     the entry is what brings the job back.
//   - The effect comes before the completion. A crash in between runs the job
//     again with the same key.
//   - An execution is owned until the send time of the last answered acquire
//     or renewal plus the lease. Then its context ends and nothing of it is
//     closed or acknowledged any more.
//   - Trouble of the stores or the network is waited out within the attempt.
//     Only what the job itself did wrong counts as a failure.
//   - Waiting for a free slot, like all waiting here, ends with the context. A
//     stop aborts executions only when the intake has ended, so that none of
//     them slips through.
//
// Failure cases: killed (entries go stale with the leases and are reclaimed);
// frozen (its executions are taken over; when it wakes up its token is void);
// Postgres away (executions end when their leases may have run out); Redis
// away (finished jobs keep their entries, which are reclaimed and
// acknowledged); told to stop (intake ends at once, executions get half the
// grace, what is left is aborted first and given back then).
package worker
