// Package drills is the vocabulary of drillrun: the words that systems,
// substrates, faults, scenarios and the engine share. It holds types and
// small rules about them, starts nothing, and imports only the standard
// library, so that an adapter for somebody else's system depends on next to
// nothing.
//
// The words, from the outside in:
//
//   - A [System] is what is drilled. It is started on a [Substrate] and becomes
//     a [Cluster] of [Process] values (replicas and stores alike) joined by
//     [Link] values, each of which can be degraded on its own.
//   - A [Client] submits [Op] values to one replica. An error from it is not a
//     "no": only [ErrRejected] says that the operation had no effect.
//   - A [Fault] is one thing broken on purpose; it plans, injects, proves that
//     it has bitten, and recovers.
//   - A [Scenario] is a checked script of [Step] values and the gate lines that
//     must hold.
//
// Core interfaces have at most four methods. What only some implementations
// can do is an optional interface found by type assertion: [Pauser],
// [Terminator], [Exiter], [Ported], [LeaderReporter], [QueueReporter], [Prober],
// [Inspector], [Allower], [Settler], [Store].
package drills
