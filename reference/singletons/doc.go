// Package singletons holds the eleven workers of the control plane of which
// exactly one must run, whatever becomes of replicas.
//
//	state in Postgres ─▶ decide ─▶ act through a backend ─▶ carry out ─▶ record the slot
//	                                 key, term              fenced        fenced
//
// Each acts once in every slot of its interval (package slots): it reads the
// state of things, decides what they should be, says so to the backend that can
// bring it about, and records what it decided. Nothing is kept in memory between
// slots, so a successor goes on from what Postgres says.
//
// Invariants:
//
//   - A call carries leadership and term, and its key is its subject,
//     "<name>/<slot>": a double run shows at the backend, as a second subject's
//     effect or as a refused term.
//   - What is written follows the call and is fenced, like the record of the
//     slot. It sets what was decided; it adds nothing up, so that a slot which is
//     repeated changes nothing.
//   - A backend that is away, or that a breaker keeps from being called, delays
//     its own workers. The others go on.
//
// Failure cases: the leadership is lost between the call and the record (the
// successor makes the same call under the same key, or skips to its own slot);
// the state cannot be read (the slot is tried again, then the next one).
package singletons
