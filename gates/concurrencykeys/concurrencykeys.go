// Package concurrencykeys tells whether jobs that share a concurrency key are kept
// apart, and whether those that do not are not.
//
// A job is at work while a call of it to a backend is under way: from its arrival
// to its answer, or to the moment when its sender hung up or ended. A call is of
// the job whose subject it has, or begins with: "job/7", "job/7/boot" and
// "job/7/boot/2" are calls of "job/7". However many of them are under way, on one
// replica or on several, they are one job.
//
//	job/7 of key-1  ────invoke═══════ok──────
//	job/8 of key-1  ──────invoke════════ok───      two of one key at once
//	job/9 of key-2  ──────invoke═══════════ok      and two keys
//
// Both are lower bounds: between two calls a job is not seen. Slow backends make
// an overlap certain to show. What a sender let go of is noticed a little late;
// [gates.AtWork] forgives a tenth of a second of that. A frozen replica has let go
// of nothing: its call counts until it is answered. While a link keeps it back
// that a sender has hung up, calls seem to be under way that are not: a drill of
// these gates leaves the links to backends alone.
//
// Minimum evidence: calls of two jobs of one key (key_concurrency), of jobs of two
// keys (key_parallelism), and the drill's end or a completed drain. With less
// nothing was at stake. A record that breaks off knows the counts from below only.
//
// What makes them fail: exclusion that ends before the work does, or that only one
// replica knows of; where a scenario asks for "key_parallelism > 1", one lock for
// all keys.
package concurrencykeys

import (
	"fmt"
	"maps"
	"slices"

	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/gates"
)

// Concurrency is "key_concurrency".
func Concurrency() gates.Metric {
	return gates.Metric{
		Name:     "key_concurrency",
		Summary:  "most jobs of one concurrency key that had a call to a backend under way at once",
		Doc:      "Counts different jobs, on all replicas together. A call is of the job whose subject it has, or begins with. It is under way from its arrival at the backend until it is answered or its sender hangs up or ends.",
		Unit:     gates.Level,
		Least:    1,
		Requires: []string{promise},
		Needs:    "calls to backends of two jobs of one key, and the drill's end or a completed drain",
		New:      func(history.Header) gates.Meter { return &concurrency{} },
	}
}

// Parallelism is "key_parallelism".
func Parallelism() gates.Metric {
	return gates.Metric{
		Name:     "key_parallelism",
		Summary:  "most concurrency keys of which a job had a call to a backend under way at once",
		Doc:      "Counts different keys, on all replicas together. A job without a key is not counted.",
		Unit:     gates.Level,
		Least:    1,
		Requires: []string{promise},
		Needs:    "calls to backends of jobs of two keys, and the drill's end or a completed drain",
		New:      func(history.Header) gates.Meter { return &parallelism{} },
	}
}

const promise = "concurrency-keys"

// concurrency follows the jobs of each key.
type concurrency struct {
	seen seen
	rest gates.Rest
}

// Observe follows the jobs that are at work.
func (m *concurrency) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	now := gates.Moment{At: e.At, Seq: e.Seq}
	if e.Op == history.OpExit {
		for _, k := range m.seen.keys {
			k.jobs.Drop(e.Actor, now)
		}
	}
	if call, job, key := m.seen.call(e); key != nil {
		key.jobs.Observe(job, call, e.Phase, now)
	}
}

// Measure is the most of any key.
func (m *concurrency) Measure() gates.Measurement {
	found := gates.Measurement{N: m.seen.calls, AtLeast: true, Missing: m.rest.CutShort()}
	whole, shared := found.Missing == "", false
	for _, name := range slices.Sorted(maps.Keys(m.seen.keys)) {
		key := m.seen.keys[name]
		shared = shared || key.shared
		n, seq := key.jobs.Most(whole)
		if n > int(found.Value) {
			found.Value, found.Evidence = float64(n), []uint64{seq}
			found.Note = fmt.Sprintf("%d of %s were at work at once", n, name)
		}
	}
	if !shared {
		return gates.Measurement{Missing: "no two jobs of one concurrency key were seen at a backend"}
	}
	return found
}

// parallelism follows the keys.
type parallelism struct {
	seen seen
	rest gates.Rest
	work gates.AtWork[*key]
}

// Observe follows the keys that have jobs at work.
func (m *parallelism) Observe(e *gates.Event) {
	m.rest.ObserveRest(e)
	now := gates.Moment{At: e.At, Seq: e.Seq}
	if e.Op == history.OpExit {
		m.work.Drop(e.Actor, now)
	}
	if call, _, key := m.seen.call(e); key != nil {
		m.work.Observe(key, call, e.Phase, now)
	}
}

// Measure is how many keys were at work at once.
func (m *parallelism) Measure() gates.Measurement {
	if m.seen.atWork() < 2 {
		return gates.Measurement{Missing: "no jobs of two concurrency keys were seen at a backend"}
	}
	found := gates.Measurement{N: m.seen.calls, AtLeast: true, Missing: m.rest.CutShort()}
	if n, seq := m.work.Most(found.Missing == ""); n > 0 {
		found.Value, found.Evidence = float64(n), []uint64{seq}
		found.Note = fmt.Sprintf("jobs of %d keys were at work at once", n)
	}
	return found
}
