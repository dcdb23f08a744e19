// Package process runs the child processes of a local drill: it starts, kills,
// freezes and reaps them, and sees to it that none outlives the harness.
//
//	              Start                  its end
//	┌──────────┐ ───────▶ ┌─────────┐ ─────────────▶ ┌────────────────┐
//	│ not run- │          │ running │                │ zombie: group  │
//	│ ning     │ ◀─────── │         │                │ swept, reaped  │
//	└──────────┘          └─────────┘                └───────┬────────┘
//	     ▲                  Pause, Resume                    │
//	     └───────────────────────────────────────────────────┘
//	                                   then OnExit is called
//
// # Invariants
//
//   - Every child is the leader of its own process group, and signals go to the
//     group. What is left of the group when the leader ends is killed.
//   - The children of a [Spec.Tree] process leave its group (each Postgres
//     backend is a session of its own). They are found by parentage: the parent
//     is stopped, so that it can neither fork nor reap, its descendants are
//     listed and signalled by pid, and the parent comes last. Kill returns
//     once all of them are gone, because a surviving backend would keep the
//     next postmaster from starting.
//   - No signal is sent to a pid that may have been reused: a child is reaped
//     under the lock under which it is signalled, and a descendant is known by
//     pid and start time.
//   - Children die with the harness, however it ends: the kernel sends them
//     [Spec.Quit] when the thread that started them ends. It is the thread that
//     counts, not the process (golang/go#27505), so a [Launcher] keeps one
//     locked thread for as long as its children may live.
//   - What a child prints goes straight into its log file. No goroutine of the
//     harness is in between, so nothing is lost and nothing can block.
//
// # Failure cases
//
//   - A thread in uninterruptible sleep can neither be stopped nor killed. For
//     Pause it counts as stopped, since it stops before it is back in its
//     program; Kill waits for it, for a bounded time, and says so if in vain.
//   - A command that is a shell script should exec its program: a group whose
//     leader has ended is killed, not terminated.
//   - A paused process gets a parent-death signal other than SIGKILL only
//     because the kernel wakes stopped process groups that lose their parent,
//     and a paused tree has members in groups of their own. [EndResidents] is
//     for another process to end what is left when the harness is killed.
package process
