// Package controlplane puts the parts of a replica together and runs them.
//
//	                   ┌──────────────── replica ────────────────┐
//	clients ──HTTP──▶  │ api ─▶ jobs ───────────────┐            │
//	                   │ guard, for each key:       ▼            │
//	                   │          singletons ──▶ Postgres        │
//	                   │          relay ───────▶    │            │
//	                   │          reconciler ──▶ Redis           │
//	                   │ worker of each lane ───────┘            │
//	                   │ jobs, singletons ─▶ backends ──────────▶ outside world
//	                   │                  └▶ effects ───────────▶
//	                   └─────────────────────────────────────────┘
//
// [Sound] makes the parts; [Parts] is the one place where they meet. A part is
// replaced by assigning another behind the same interface before the replica
// is run.
//
// The guard and the workers run in the roles worker and all, the API in api and
// all. A replica never ends because a store is away, not even at its start: it
// waits, degraded, and comes back. It ends by SIGTERM or SIGINT, within the
// grace: leaderships are given up at once, requests and jobs under way are
// finished or given back. A second signal ends it on the spot.
//
// Exit codes: 0 told to stop and stopped, 1 failed or stopped on the spot, 3
// refused to start as configured.
package controlplane
