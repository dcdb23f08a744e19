// Package leadership makes sure that at most one replica acts as the holder of
// a key, and that a successor acts within milliseconds of the holder's death.
//
// A leadership is a Postgres advisory lock on a session of its own, plus a
// term in a table:
//
//	replica-1  ──lock──▶ granted ─▶ term 7 ─▶ ping · ping · ping ✗ (killed)
//	replica-2  ──lock──▶ waits ·················· granted ─▶ term 8 ─▶ ping …
//	                                            ▲
//	            the server closes the dead session, frees its lock and
//	            answers the first waiter: no polling, no timeout involved
//
// Life of a session, at the holder (ttl/4 between pings) and at the server:
//
//	sent ─────┬──────── ttl/4 ──────── ttl/2 ─────────────────────── ttl
//	holder:   │ valid   next ping      no answer: stands down
//	server:   │ idle ······························ drops the silent session
//
// Invariants:
//
//   - One session per leadership, never a pooled one, and nothing on it but
//     the lock, the term and pings. Lock, check and unlock cannot end up on
//     different sessions, and losing one key never touches another.
//   - A leadership is valid until the send time of the last answered request
//     plus ttl/2. The server drops the session not before ttl after it received
//     that request. So the holder stands down first, whatever the network does,
//     and no clock is compared with another.
//   - The lock is never taken twice by one session, and holding it is never
//     tested by taking it: an advisory lock is reentrant and would say yes.
//   - The term is raised on the session that holds the lock, before anything
//     is done as a holder. It grows with every change of holder.
//   - The work done as a holder runs in a context that ends with the
//     leadership, and the lock is not sought again before that work has ended.
//   - Every write made as a holder carries its term in the same statement
//     ([Fence]); a write that waits for a row keeps the next term waiting, too.
//
// Failure cases:
//
//   - Holder killed: the kernel closes its socket, the server frees the lock.
//     With a statement running, client_connection_check_interval finds out.
//   - Session terminated, or Postgres restarted: a read is pending between
//     pings, so the holder knows at once. The broken session is replaced.
//   - Holder cut off: it stands down at ttl/2; the server drops its session at
//     ttl. Until then nobody leads.
//   - Holder frozen: as above, and when it wakes up it is a zombie. Its lease
//     is long expired by its own clock, its writes meet the fence, and its
//     effects carry a term that the receiver refuses.
//   - Waiter frozen or cut off, and next in the queue: it is granted the lock
//     and says nothing; the server drops it at ttl. Waiters ask with a
//     lock_timeout of ttl/2 and again on the same session, so that one which
//     was cut off leaves the queue early.
package leadership
