// Package link is one directed network dependency of one replica: a proxy of
// its own inside the harness, which can be degraded and healed.
//
//	             ┌──────────────── link ────────────────┐
//	replica ───▶ │ accept ─▶ lane(requests) ─▶ dial     │ ───▶ dependency
//	        ◀─── │          ◀─ lane(replies) ◀─         │ ◀───
//	             └───────────────────────────────────────┘
//
// # One toxic, never changed
//
// toxiproxy carries the streams, and is steered by adding and removing toxics.
// In v2.12.0 a change interrupts every stream while it holds the lock of the
// whole proxy, and waits forever when one of them is blocked by a peer that does
// not read: a replica that is paused in the middle of a large reply freezes its
// proxy. Its black hole (a timeout toxic of 0) also hands on the end of a
// stream, so that a replica cut off from Postgres could still close its session
// there, and be told that the server did.
//
// A link therefore registers one toxic of its own, the lane, installs it once
// in each direction before the first connection, and never changes the chain
// again. What a lane does is a condition that its streams look at; changing it
// takes no lock that a stream could hold.
//
// # Connections of its own
//
// toxiproxy dials inside its accept loop without a deadline, so that stopping
// it can hang, and keeps its connections to itself: its reset_peer can abort
// only those that begin under it, and sends a FIN on all others. A link
// therefore listens, dials and closes by itself, and gives toxiproxy the two
// streams of each connection. Refuse and Reset are what it does to connections;
// everything else is a condition of the lanes.
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
//   - A stall is a black hole for the connections that it found open, and
//     nothing to those opened after it.
//   - When a black hole or a stall is healed, every connection that lived
//     through it is closed: what it lost cannot be given back.
//   - A slow lane (latency, bandwidth, slices) loses and reorders nothing. A
//     limited rate is shared by all connections of the link, and what is held
//     back slows the sender down, except by latency, which holds back 4 MiB of
//     each stream first.
//   - Reset and Refuse end connections on both sides at once, whatever else is
//     wrong with the link.
//   - A connection that is over leaves no goroutine behind. toxiproxy alone would
//     leave those of a stream that holds bytes for a peer that has gone; see
//     half for how a stream notices.
//   - Close closes every connection, and with them end the link's goroutines.
//   - No call waits for a peer. The longest is the healing of a link whose
//     address is taken.
//
// # Failure cases
//
//   - The upstream is down: connections are accepted and closed at once. A
//     proxy cannot refuse on behalf of its upstream.
//   - The upstream does not accept and its backlog is full: each connection
//     waits for its own dial, and ends with the link's refusing or closing.
//   - The address of a link that refuses is taken when it is healed, if only by
//     a child that has not come to its exec: it is tried again for a while.
//   - The kernel goes on answering TCP keepalives on both sides of a black
//     hole. A system must not wait for TCP to notice it.
package link
