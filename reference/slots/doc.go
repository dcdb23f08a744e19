// Package slots makes a task act once in every slot of an interval, whoever
// leads when the slot is due.
//
//	slot n due ─▶ act under the term, with the key "task/n" ─▶ slot n recorded, fenced
//
// Slots are numbered by Postgres's clock, so replicas agree on them.
//
// Invariants:
//
//   - The act comes before its record. A leader that dies in between leaves the
//     slot to its successor, whose act the receiver recognises by its key.
//   - A record carries the term of the leadership under which the task acted.
//   - A task that makes up for missed slots goes on after the last recorded one,
//     in order, and leaves no gap: not even when the first leader ever dies in
//     its first slot, because the slot before that one is recorded first.
//   - A task that does not, acts in the latest slot only: it looks at the state
//     of things anew each time, and what it missed is in that state.
//
// Failure cases: the receiver or Postgres is away (the task tries again, after
// a wait, in the slot that is due then); the term is superseded (the receiver
// or the fence says so, and the leadership ends).
package slots
