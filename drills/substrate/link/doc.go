// Package link is one directed network dependency of one replica: a toxiproxy
// proxy of its own inside the harness, which can be degraded and healed.
//
//	             ┌──────────────── link ────────────────┐
//	replica ───▶ │ accept ─▶ lane(requests) ─▶ dial     │ ───▶ dependency
//	        ◀─── │          ◀─ lane(replies) ◀─         │ ◀───
//	             └───────────────────────────────────────┘
//
// # One toxic, never changed
//
// toxiproxy is steered by adding and removing toxics. In v2.12.0 a change
// interrupts every stream while it holds the lock of the whole proxy, and
// waits forever when one of them is blocked by a peer that does not read: a
// replica that is paused in the middle of a large reply freezes its proxy.
// Its black hole (a timeout toxic of 0) also hands on the end of a stream, so
// that a replica cut off from Postgres could still close its session there,
// and be told that the server did.
//
// A link therefore registers one toxic of its own, the lane, installs it once
// in each direction before the first connection, and never changes the chain
// again. What a lane does is a condition that its streams look at; changing it
// takes no lock that a stream could hold. Latency, black hole and end of the
// link are conditions. Only Refuse and its healing stop and start the proxy,
// and only they can take long (see below).
//
// # Invariants
//
//   - Addr never changes, whatever happens to the link or its upstream.
//   - A link is its own toxiproxy server: it shares no lock with another.
//   - Degradations add up; the same kind in the same direction replaces the
//     one before. Heal ends all of them.
//   - While a lane is a black hole, connections that were open before it see
//     nothing: no byte, no end of stream. Connections opened meanwhile are
//     accepted and silent; only their own closing passes, so that clients
//     which retry do not pile up sessions at the dependency.
//   - When a black hole is healed, every connection that lived through it is
//     closed: what it lost cannot be given back.
//   - A connection that is over leaves no goroutine behind. toxiproxy alone would
//     leave those of a stream that holds bytes for a peer that has gone; see
//     half for how a stream notices.
//   - Close closes every connection, and with them end the link's goroutines.
//
// # Failure cases
//
//   - The upstream is down: connections are accepted and closed at once. A
//     proxy cannot refuse on behalf of its upstream.
//   - The upstream does not accept and its backlog is full: toxiproxy dials
//     inside its accept loop without a deadline, so that stopping it could
//     hang. Every stop and start has a deadline; when it expires, the proxy is
//     abandoned, its streams are closed, a healthy one is built on the same
//     address, and the call returns [ErrRebuilt]: nobody can say what the
//     peers saw in between.
//   - The kernel goes on answering TCP keepalives on both sides of a black
//     hole. A system must not wait for TCP to notice it.
package link
