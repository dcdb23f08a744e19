// Package witness is the outside world of a drill: the receiver that every
// effect of the system goes to, and the infrastructure backends that the system
// calls. It belongs to the harness, no fault reaches the witness itself, and
// what it has written to the history is what counts: duplicates and losses are
// counted here, not in the system's own books.
//
//	replica-1 ──link──┐
//	replica-2 ──link──┼──▶ POST /v1/effects ──▶ decide ──▶ history
//	replica-3 ──link──┘         (token)         └─ one atomic step ─┘
//	    └───────link──▶ backend: the same, but for what it suffers from
//
// # Wire format
//
// Any language with an HTTP client can report effects:
//
//	curl -i http://$WITNESS/v1/effects \
//	  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
//	  -d '{"subject":"order-17","key":"order-17/charge","kind":"once"}'
//
// The body is one JSON object. With Content-Type application/x-ndjson it is
// one or more objects, one a line. The fields of an effect:
//
//	subject     string   required; what must happen once: a job, a cron slot
//	key         string   required; what the receiver de-duplicates by. Stable: the
//	                     same for every attempt at this subject
//	kind        string   required; "once", "fenced" or "record", see below
//	leadership  string   required for "fenced": which leadership or lease acts
//	term        number   of the leadership or lease under which the sender acts, from 1
//	attempt     number   which attempt this is, from 1; only recorded
//
// The kind chooses what the witness does with it:
//
//   - once: the first effect of a key is accepted, every later one is seen.
//   - fenced: the leadership's highest term so far is the bar. A lower term, or
//     none, is stale; a higher one raises the bar, even where its effect turns
//     out to be seen. What is not stale is de-duplicated by key like once: a new
//     leader repeats the slot that its dead predecessor had not recorded.
//   - record: always accepted, to be counted.
//
// The keys of "once" are one space, and those of each leadership another.
//
// The answers are JSON too:
//
//	200 {"outcome":"accepted"}          it took effect
//	208 {"outcome":"seen"}              its key was known: nothing happened again
//	409 {"outcome":"stale","term":8}    refused; 8 is the highest term seen, 0 if none
//	400 {"error":"…"}                   not an effect: unknown or missing field, bad UTF-8, …
//	401 {"error":"…"}                   no token, or an unknown one
//	408 {"error":"…"}                   it did not arrive whole
//	413 {"error":"…"}                   too large
//	415 {"error":"…"}                   lines, to a backend
//	500 {"error":"…"}                   the history cannot be written: nothing is claimed
//	503 {"error":"…"}                   the drill is over, or the backend is out of service
//
// Lines are answered with 200 and one line each, in order, with the status
// inside: {"status":409,"outcome":"stale","term":8}. A line that is not an
// effect gets {"status":400,"error":"…"}, and the others are judged all the
// same. If the history fails in between, the whole answer is a 500.
//
// No answer, or a 500, leaves open whether the effect was recorded: send it
// again, with the same key. 409 is final: whoever gets it has been superseded.
//
// Limits: 64 KiB for one effect, 4 MiB for a body of lines, 1 KiB for each
// string. A request has 15 s to arrive whole, its headers 5 s; an idle
// connection is kept for 2 minutes. GET /healthz answers 200 while effects can
// be recorded, without a token.
//
// # Durations
//
// What a replica alone can measure it reports to the witness (not to a backend),
// with the same token:
//
//	curl -i http://$WITNESS/v1/durations \
//	  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
//	  -d '{"what":"refused","subject":"compute","took":[1250,980]}'
//
//	what        string   required; "refused" (until an open breaker had refused a
//	                     call) or "call" (a call that reached its backend)
//	subject     string   required; what they belong to: the name of a backend
//	took        numbers  required; nanoseconds, 1 to 10,000 of them, up to 1 h each
//
// The answer is 204 without a body, or an error as above. The limit is 256 KiB.
// They are durations on the replica's own clock and say nothing of when: report
// them within half a second, or they are taken for those of another time.
//
// # Backends
//
// Five more endpoints stand for compute, network, storage, dns and a
// loadbalancer. Each listens on a port of its own, so that a replica reaches
// each through a link of its own; each takes the same format with the same
// tokens, and has its own keys and terms. A request is one call: a batch is
// answered 415. They can be degraded:
//
//   - failing: a share of the calls is answered 503 at once, without effect.
//     Which ones is drawn from the seed, by default in the order of their
//     arrival. By key, each key has a draw of its own, and every call with that
//     key fares the same while the impairment lasts.
//   - slow: a call takes effect when its answer is due, the delay after it
//     arrived, whether or not its sender still waits. A term is judged then, too.
//   - hanging: calls are taken and not answered, and have no effect, however
//     they end.
//
// The health that they tell fares like a call: GET /healthz?key=K like one with
// the key K, and GET /healthz, where calls fail by key, by its arrival.
//
// A request that is refused for its token, its size or its form is no call and
// meets no impairment, and a call that is held is free of the limits of time
// above. When the impairment ends, by healing, by another one or by Close, slow
// calls take effect at once and hanging ones are answered 503.
//
// # Evidence
//
// Every decision is one event: actor "witness", op [history.OpEffect], phase ok
// for accepted and seen, fail for stale, with the effect's key and a
// [history.Effect]. The replica in it is the one that the token was made for,
// whatever the sender believes to be.
//
// What is not taken at all, for its sender, its form or its path (400, 401, 404, 405,
// 413, 415, and a bad line of a batch), is an event with the op [history.OpRefused],
// phase info and a [history.Refused]: the first of each kind at once, later ones when
// their number has doubled. A system whose effects are all refused has not lost its
// jobs. What did not arrive whole (408) is the doing of a link, and leaves none.
//
// Connections that could not be accepted, for want of file descriptors perhaps, are
// told in the same way, with the op [history.OpTrouble].
//
// A backend's calls have the actor "backend/compute" and the op
// [history.OpCall] instead: a call on the way to a job's effect is not that
// effect, and no judge of effects may take it for one. Each has two ends, which
// carry the same number in the field call, from 1 in the order of arrival:
//
//	invoke ──────▶ ok    accepted | seen
//	  │      ├───▶ fail  stale
//	  │      └───▶ fail  failed (Err: refused, let go of, or its sender hung up)
//	  └ ▶ info     the sender of a slow or hanging call hung up
//
// invoke is written when the call has arrived whole and could be read, before it
// meets the backend's condition. The event info parts what a backend holds from
// what its caller still waits for: a slow call goes on, a hanging one ends. It is
// written when the connection is seen to close, which is a little later than the
// sender's giving up, and never while a link keeps the news back.
//
// Durations are one event with the actor "witness", the op [history.OpTook],
// phase info and a [history.Durations]. Pings leave no event.
//
// A key that comes again under another subject is a mistake of the system: the
// receiver cannot know, so the answer is 208 as ever (with a note), and the
// second subject has not taken effect. Its event carries the mistake in Err:
// a judge of losses must not take such a seen for an effect of its subject.
//
// # Invariants
//
//   - The order of events is the order of decisions of an endpoint: deciding and
//     appending happen under one lock.
//   - No outcome is answered whose event the history did not take.
//   - Every call that began has exactly one end, by the return of Close at the
//     latest.
//   - After Close has returned, nothing more is appended, and no call is held.
//     Close lets go of calls that were held when it began.
//
// Failure cases: once the history has failed, every effect is answered with
// 500, and the drill's verdict is unknown. Keys are kept for the whole drill,
// as hashes: some 50 bytes each, about 500 MB for ten million.
package witness
