// Package history is the record of a drill and the only input of the gates.
//
// A history is a file of JSON lines: a [Header], then [Event] values in the
// order in which the harness learnt of them, then a seal with their count and
// the SHA-256 of every byte before it.
//
//	{"header":{"schema":1,"scenario":"leader-kill","seed":7,…}}
//	{"seq":1,"at":1203400,"actor":"client/3","op":"submit","phase":"invoke","key":"k1","detail":{…}}
//	{"seq":2,"at":1950021,"actor":"witness","op":"effect","phase":"ok","key":"k1","detail":{…}}
//	{"seal":{"count":2,"sha256":"…"}}
//
// [Create] gives the writing end, [Open] the reading end:
//
//	Append ─┐            ┌─▶ observers (the engine's live view)
//	Append ─┼─▶ mu: seq, at ─▶ buffer ──every 50 ms──▶ disk: digest, file ──Seal──▶ count, digest, fsync
//	Append ─┘
//	file ─▶ lines, digest ─▶ fast decoder, else encoding/json ─▶ seq, at, phase ─▶ Events ─▶ gates
//
// Two locks keep appenders from waiting for the disk: mu orders the events,
// disk orders the writes. The reader streams: ten million events take seconds
// and some 50 MB.
//
// Invariants:
//
//   - One clock: At is nanoseconds since the log was created, on the harness's
//     monotonic clock. No replica's clock is ever used.
//   - Seq counts from 1 without gaps, and At never decreases.
//   - What was appended can be read: an event that a reader would refuse is
//     refused, and the log's error says so.
//   - The digest covers every byte before the seal, the header's too, and the
//     seal itself has one spelling only: no bit can change unnoticed.
//   - The file grows while the drill runs and is flushed often: a killed
//     harness leaves a readable file without a seal.
//   - An error is not a "no": phase fail is kept for operations that certainly
//     had no effect, phase info for those whose outcome is open.
//
// Failure cases: a file that cannot be written makes the log's error sticky,
// and the drill's verdict unknown; a truncated, unsealed or edited file is
// reported by the reader ([ErrUnsealed], [ErrEdited], [ErrMalformed],
// [ErrSchema]), and no verdict is drawn from it. The seal guards against
// accidents and careless edits: it is no signature. Its digest ([History.Seal]) tells
// a record from any other, once somebody has kept it.
//
// The package imports only the standard library and no other of drillrun's.
package history
