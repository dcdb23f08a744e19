// Package resilience keeps a caller sound while what it calls is not.
//
// Three parts, each of which calls a function or refuses to:
//
//	retry ──▶ bulkhead ──▶ breaker ──▶ the call, with its timeout
//	again,    one of N     not while
//	later     slots        it fails
//
// The breaker:
//
//	           N failures in a row            reset has passed, and somebody calls
//	closed ─────────────────────────▶ open ◀──────────────────────────▶ half-open
//	   ▲                                       the probe fails               │
//	   └──────────────────── several probes in a row succeed ────────────────┘
//
// Counting and timing are failsafe-go's. It does not keep the rules below by
// itself: half-open, it lets as many through at once as it wants successes, takes
// late results of calls that began before for results of probes, and cannot take
// back a permit whose call has said nothing; its listener runs between two
// halves of a step, and its semaphore draws lots between a free slot and a
// context that has ended. So it is asked and told under the breaker's own lock,
// and slots are looked at once more.
//
// Invariants:
//
//   - Half-open, one call at a time passes; all others are refused at once.
//   - A result counts in the period between two changes in which its call began,
//     and in no other. What says nothing about the callee, such as a caller that
//     gave up or a panic, counts for nothing and gives the probe to the next.
//   - No lock is held while anything of somebody else's runs. The callback is told
//     of each change once, in order, one at a time, and may use the breaker.
//   - A slot is not given to a context that has ended, and is always given back.
//   - A call is tried exactly as often as configured at most, each wait is drawn
//     evenly from zero to its bound, and a refusal is not tried again.
//   - A refusal costs neither waiting (the breaker) nor more than the bounded
//     wait (the bulkhead), and says by whom it was.
//
// Failure cases: the callee hangs: its calls end by their timeout, are failures,
// and hold no more slots than there are. A probe hangs: everybody else is refused
// until it ends. The callback hangs: its caller hangs with it, further changes
// wait to be told, and all other calls go on. A callback or a call panics: the
// panic goes to the caller; probe and slot are free again.
package resilience
