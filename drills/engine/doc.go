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
