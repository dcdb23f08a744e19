// Package drilltest holds systems against what they promise, from `go test`.
//
//	func TestAdapter(t *testing.T) { drilltest.Exercise(t, ledger.System{}) }
//	func TestDrill(t *testing.T)   { drilltest.Run(t, "worker-kill", ledger.System{}) }
//
// [Exercise] is for whoever writes an adapter: it says what of [drills.System]
// and its optional interfaces the adapter misses, and what to do about it. [Run]
// is a drill like that of the command: a scenario, its faults and its gates.
//
// Nothing in it is pretended: the system runs on the local substrate, so that the
// machine needs what `drillrun doctor` asks for, and reports its effects to a
// witness. A system whose replicas are the test binary itself has TestMain turn
// the process into one, as it does in main; the reference calls
// adapter.RunReplica there.
//
// # What leaks in
//
// Nothing of a shell's: both take PG*, REDIS*, *_PROXY, LC_* and LANG out of the
// environment of the test binary first, as the command does, so that an adapter's
// own connections are the same in both. A test that needs one of these in the same
// binary reads it before.
//
// # What a wait means
//
// What must happen is waited for with a generous deadline, so that a busy
// machine makes a test slower and not red. What must not happen is watched for a
// while, or for the system's settle interval: an adapter that is wrong may be
// lucky there, one that is right never fails.
//
// # What is left
//
// At the end everything has been stopped, whatever the outcome. Whether the
// adapter leaves goroutines behind is the business of goleak in TestMain. Records
// and logs are in [testing.T.ArtifactDir]: `go test -artifacts` keeps them.
package drilltest
