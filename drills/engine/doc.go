// Package engine runs a scenario against a started cluster: it follows the
// script, makes the load, breaks and heals, drains, and writes down all of it
// in the history. It judges nothing.
//
//	script ──▶ verbs ──▶ load ──▶ clients ──▶ replicas ──▶ witness
//	             │                                            │
//	             └──▶ guard ──▶ fault ──▶ process | link      │
//	                    │                                     │
//	                    └────────▶ history ◀──────────────────┘
//	                                  │
//	                                  └──▶ view (what await and drain look at)
//
// Invariants:
//
//   - Everything that the engine knows of effects and acknowledgements comes
//     from the history, through [View]: what `await` waits for is what the
//     gates will see.
//   - A fault's undo is on disk before the fault is injected, and every fault
//     is healed before [Run] returns, whatever happened: the end of the script,
//     a step that failed, a cancelled context, a panic of a verb.
//   - A fault and its recovery are one life: a recovery waits until the injection
//     has ended, and one that could not wait for it leaves the fault to the
//     injection, which undoes what it has done. Nothing is in effect after the
//     record says that it is recovered.
//   - What a step begins in the background, the next step finds: a fault is
//     planned, a load is known of, before the next line is taken. While a drain is
//     under way nothing can begin.
//   - The harness notes when it did not get to run ([Pulse]), and waits and drains
//     go on by as much.
//   - No fault is held for ever: one that the script recovers at no set time is
//     recovered at its deadline, and the script is broken off.
//   - Healing runs under a context of its own with a deadline, never under the
//     cancelled one.
//   - All that is random is drawn from the seed, by step and not by time: the
//     same seed gives the same offsets, targets and load. How long a client rests
//     after a failed round is the one exception: the system's answers decide it.
//
// Failure cases: a step that fails (an await that expires, a fault that cannot
// be proved) ends the script; the engine heals, stops the load, drains, and
// [Run] returns [ErrScript], which leaves the verdict of a passing gate
// unknown. A condition on which the scenario wants to be aborted ends it in the
// same way, without the drain. A cancelled context ends it at once: heal and
// return.
package engine
