// Package teststores gives tests real stores of their own: a Postgres cluster
// per test binary with a database per test, and a Redis server per test, in
// temporary folders and on ports of the loopback interface. It also has what
// the tests of several packages share: a receiver of effects and a TCP
// forwarder that can swallow everything.
//
// Servers die with the test binary, however that ends: they are started from a
// thread that lives as long as the binary, with a parent-death signal.
package teststores
