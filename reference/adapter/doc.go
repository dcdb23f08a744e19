// Package adapter makes the reference control plane a [drills.System]: it
// starts Postgres, Redis and the replicas, puts a link on every dependency,
// and looks into the stores at rest.
//
//	clients ──link──▶ replica-1
//	                      ├──link──▶ postgres
//	                      ├──link──▶ redis
//	                      ├──link──▶ witness
//	                      └──links─▶ its backends
//
// It is all that the reference and the harness know of each other.
//
// For the evidence of fencing it installs triggers in the drilled database
// that write down, for every write made as a holder, the term or token that
// the write claimed beside the one in force at that moment. The triggers watch
// and refuse nothing.
package adapter
