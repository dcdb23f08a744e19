// Package backends calls the five infrastructure services: compute, network,
// storage, dns and loadbalancer.
//
//	Call ──▶ retry ──────▶ bulkhead ──────▶ breaker ──▶ timeout ──▶ POST /v1/effects
//	         dns and       compute 20,      5 failures,
//	         loadbalancer  network 15,      one probe
//	         only          storage 10       at a time
//	Ping ─────────────────────────────────▶ breaker ──▶ timeout ──▶ GET /healthz
//
//	changes of breakers ─▶ log, metrics ─▶ queue ─┐
//	durations of calls ──▶ batches ───────────────┴─▶ Run ──▶ the witness
//
// Invariants:
//
//   - Each backend has a breaker, slots and connections of its own: what one of
//     them suffers, the others' callers do not notice.
//   - Provisioning is never tried again by itself: whether it has happened is
//     open, and its caller knows the steps. All tries of a call carry one key.
//   - A backend is judged by what it does: that it does not answer in time, or
//     answers that it cannot. That a term is stale or an effect refused is a good
//     answer, and a caller that gave up says nothing.
//   - A ping takes no slot, so that a saturated backend can be told from a dead
//     one; it passes the breaker like every other call, and can be its probe.
//   - Nothing is sent by a caller. What is to be sent is queued within bounds and
//     sent by Run in order; what does not fit is counted as dropped.
//
// Durations are of whole calls: of those that went out to their backend and whose
// caller did not give up, and of those that came while the breaker was not closed
// and were refused by it. A call that was waiting for its slot when the breaker
// opened is neither: it says nothing about how fast refusals are.
//
// Failure cases: the witness is away: changes and durations wait, and are sent
// again and again; what was sent without an answer may arrive twice, a change with
// the same key. A backend hangs: its calls end by their timeout, and the breaker
// opens. The replica ends: Run sends what is left for as long as its last moments
// allow, and counts the rest as dropped.
package backends
