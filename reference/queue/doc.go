// Package queue is the durable queue between the outbox and the workers: one
// Redis stream with a consumer group for each lane.
//
//	            ┌▶ default ───┐
//	relay ─XADD─┼▶ provision ─┼▶ XREADGROUP ─▶ pending ─▶ XACK + XDEL ─▶ gone
//	 (all lanes)├▶ cluster ───┤      ▲            │
//	            └▶ pipeline ──┘      └─ XAUTOCLAIM ┘ idle for the lane's lease
//
// The leader has the [Feed], its end of all lanes; each worker has the
// [Stream] of its lane.
//
// Invariants:
//
//   - The queue is not the truth. An entry only says that a job may need
//     attention; the ledger decides. More entries than jobs do no harm.
//   - One publication is one transaction over all lanes: all of its entries
//     are there, or none.
//   - An entry leaves by one transaction that acknowledges and deletes it, so
//     that a stream holds what is waiting or pending and nothing else.
//   - An entry that cannot be read is moved to the dead letters by one
//     transaction, too: never lost between two calls, never there twice.
//   - Each publication says in which generation of the data it happened, read
//     in the same transaction. Whatever was published in an earlier generation
//     cannot be relied on. There is one generation for all lanes: they are lost
//     together.
//   - Calls are never repeated behind the caller's back.
//
// Failure cases: the data is lost (the generation is gone with it), or Redis
// came back without its latest writes (the server's run id has changed and the
// generation is renewed): the reconciler publishes again. The group is lost:
// it is made again from the start of the stream. Redis is full: publishing
// fails whole and is tried later. A consumer dies: its pending entries are
// reclaimed after the lease.
package queue
