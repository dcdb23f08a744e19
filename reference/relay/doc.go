// Package relay moves the outbox to the queue: in id order, at least once, on
// the leader only. A row goes to the lane of its job's kind.
//
//	outbox (published_at IS NULL, by id) ─▶ lanes ─▶ mark published, fenced
//
// Invariants:
//
//   - What is to be published is what is not marked. No position is
//     remembered: an id that commits late is simply the next row.
//   - A row is marked after it was published. A crash in between publishes it
//     twice; the ledger makes that harmless.
//   - The mark carries the term and the generation of the queue, so that the
//     reconciler knows what a loss of its data has taken.
//
// The relay is woken by submissions at its own replica and polls for the
// others': a NOTIFY would make all commits of submissions wait for each other.
package relay
