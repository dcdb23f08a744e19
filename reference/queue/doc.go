// Package queue is the durable queue between the outbox and the workers: a
// Redis stream with one consumer group.
//
//	relay ─▶ XADD ─▶ stream ─▶ XREADGROUP ─▶ pending ─▶ XACK + XDEL ─▶ gone
//	                              ▲            │
//	                              └─ XAUTOCLAIM ┘ idle for the lease
//
// Invariants:
//
//   - The queue is not the truth. An entry only says that a job may need
//     attention; the ledger decides. More entries than jobs do no harm.
//   - An entry leaves by one transaction that acknowledges and deletes it, so
//     that the stream holds what is waiting or pending and nothing else.
//   - An entry that cannot be read is moved to the dead letters by one
//     transaction, too: never lost between two calls, never there twice.
//   - Each publication says in which generation of the stream it happened,
//     read in the same transaction. Whatever was published in an earlier
//     generation cannot be relied on.
//   - Calls are never repeated behind the caller's back.
//
// Failure cases: the data is lost (the generation is gone with it), or Redis
// came back without its latest writes (the server's run id has changed and the
// generation is renewed): the reconciler publishes again. The group is lost:
// it is made again from the start of the stream. Redis is full: publishing
// fails whole and is tried later. A consumer dies: its pending entries are
// reclaimed after the lease.
package queue
