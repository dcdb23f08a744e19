// Package ledger gives executions of jobs to workers, one at a time.
//
// An execution is an attempt number and a token. Acquiring rotates the token,
// and every later write of the owner names it in the same statement:
//
//	worker A: acquire ─▶ attempt 1, token a ── renew ── (frozen) ······· complete by a ✗ ErrLost
//	worker B:                            stale: acquire ─▶ attempt 2, token b ── complete by b ✓
//
// Invariants:
//
//   - An execution is stale when it was not renewed for the lease, by
//     Postgres's clock. A lane's ledger and its stream's reclaim have the same
//     lease, and the stream's idle time is reset after each acquire and renewal,
//     so an entry that can be reclaimed belongs to an execution that can be
//     taken over.
//   - A write by a token that is no longer the job's changes nothing, and says
//     so: no row is not ownership.
//   - What follows from the end of an execution (an outbox row for the next
//     attempt, a dead letter) is written by the statement that ends it.
//   - A job that is running elsewhere is not a duplicate: its stream entry
//     stays pending until the job is final.
//   - Rows are locked in id order, so batches of different replicas cannot
//     deadlock.
//   - The owner chooses the token, so acquiring can be repeated after a lost
//     answer without counting as another attempt.
package ledger
