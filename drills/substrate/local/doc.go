// Package local is the substrate of child processes: replicas, real Postgres
// and real Redis as children of the harness, joined by proxies inside it. It
// needs Linux and nothing but the stores' own packages, and is the fastest
// place for a drill.
//
//	Provider, one for each run of the harness
//	├── scratch folder drillrun-RANDOM, locked by the living harness
//	│   ├── template          made by initdb, once, when first needed
//	│   └── 1, 2, ...         one for each substrate: the stores' data
//	├── launcher              the thread whose end ends all children
//	├── guardian              a process that waits for the end of the harness
//	└── Substrate, one for each drill, with a loopback address of its own
//	    ├── stores            postgres (a copy of the template), redis
//	    ├── replicas          what the system launches
//	    └── links             one proxy for each dependency
//
// # Invariants
//
//   - Nothing outlives the harness. Close leaves no process, file or shared
//     memory behind. After SIGKILL the kernel ends the children; the guardian
//     ends what is left, frozen or not, and removes shared memory and scratch
//     folder, whose lock nobody holds any more. Where it was killed as well, the
//     next Open or [Heal] does the same.
//   - Every process and link has the same address for life. A substrate claims
//     a random address in 127.0.0.0/8, which it shares with nobody: neither
//     another run nor an outgoing connection (those leave from 127.0.0.1) can
//     take a port of it while its owner is down.
//   - A store is private to its substrate: random password, loopback only,
//     data that only its own user can read.
//   - As root, stores run as user postgres, or nobody where that is missing.
//     Replicas run as the user of the harness.
//   - Data survive the crash of a process, which is what drills bring about:
//     Postgres runs with synchronous commit but without fsync and full-page
//     writes, Redis with an append-only file synced every second. They do not
//     survive a power cut, and nobody promises it here.
//
// # Speed
//
// Starting a drill is mostly copying the template's thousand files. In memory
// (TMPDIR=/dev/shm) that takes 0.05 s; ext4 takes up to ten times as long when
// many files have been removed within the last minute, as between drills.
//
// # The guardian
//
// A parent-death signal is not enough: one that can be caught stays pending on a
// frozen postmaster, and SIGKILL of the postmaster reaches none of its backends,
// which are sessions of their own and, frozen, do not notice. Namespaces and
// control groups, which end whole trees, need root or a kernel that lets others
// make them. So the program starts itself once more before anything else, in a
// session of its own, with one end of a pipe whose other end only the harness
// holds. When that closes, it looks for the processes that live in the scratch
// folder: those that were started with a TMPDIR there, and stores that work
// there; initdb and its servers are given a moment to end by themselves, since they
// keep shared memory that a kill would leave. They need not be announced to it, so that no moment is too early or too
// late to be killed.
//
// # Failure cases
//
//   - A binary is missing or too old: Open returns a
//     [drills.EnvironmentError] that names the package. [Check] lists what
//     there is without starting anything.
//   - A store ends before it is ready: the error carries its last log lines.
//   - 127.0.0.0/8 is not routed to the loopback device as a whole, as in some
//     sandboxes: the substrate uses 127.0.0.1 and ports below the range from
//     which outgoing connections take theirs.
//   - SIGKILL of a postmaster leaves its System V shared memory behind, which
//     its restart or Close removes. Backends of a dead postmaster would keep
//     it from restarting, so Kill takes them too.
package local
