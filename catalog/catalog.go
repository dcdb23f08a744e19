// Package catalog holds the explicit maps of everything that has a name:
// verbs, faults, gates, systems, substrates and scenarios. Nothing registers
// itself; what is not written down here does not exist. It is imported by the
// commands and by drilltest, and handed to the engine by them.
package catalog

import (
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/engine/verbs"
	"github.com/drillrun/drillrun/faults"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/gates/attempts"
	"github.com/drillrun/drillrun/gates/availability"
	"github.com/drillrun/drillrun/gates/concurrencykeys"
	"github.com/drillrun/drillrun/gates/deadletters"
	"github.com/drillrun/drillrun/gates/doublecalls"
	"github.com/drillrun/drillrun/gates/duplicates"
	"github.com/drillrun/drillrun/gates/elections"
	"github.com/drillrun/drillrun/gates/exitzero"
	"github.com/drillrun/drillrun/gates/failfast"
	"github.com/drillrun/drillrun/gates/failover"
	"github.com/drillrun/drillrun/gates/ghosts"
	"github.com/drillrun/drillrun/gates/isolation"
	"github.com/drillrun/drillrun/gates/jitter"
	"github.com/drillrun/drillrun/gates/kindparallelism"
	"github.com/drillrun/drillrun/gates/latency"
	"github.com/drillrun/drillrun/gates/leaderless"
	"github.com/drillrun/drillrun/gates/leaked"
	"github.com/drillrun/drillrun/gates/lost"
	"github.com/drillrun/drillrun/gates/misreported"
	"github.com/drillrun/drillrun/gates/outage"
	"github.com/drillrun/drillrun/gates/overlap"
	"github.com/drillrun/drillrun/gates/parallelism"
	"github.com/drillrun/drillrun/gates/probes"
	"github.com/drillrun/drillrun/gates/readmission"
	"github.com/drillrun/drillrun/gates/recovery"
	"github.com/drillrun/drillrun/gates/redeliveries"
	"github.com/drillrun/drillrun/gates/repeatedsteps"
	"github.com/drillrun/drillrun/gates/republished"
	"github.com/drillrun/drillrun/gates/shutdown"
	"github.com/drillrun/drillrun/gates/singletons"
	"github.com/drillrun/drillrun/gates/stuck"
	"github.com/drillrun/drillrun/gates/takeover"
	"github.com/drillrun/drillrun/gates/throughput"
	"github.com/drillrun/drillrun/gates/unfenced"
	"github.com/drillrun/drillrun/gates/zombie"
)

// Verbs are the steps of a script that break nothing.
func Verbs() map[string]engine.Verb { return verbs.All() }

// Faults are the steps of a script that break something.
func Faults() map[string]drills.FaultSpec { return faults.All() }

// Metrics are what gates can judge, in the order of reports.
func Metrics() []gates.Metric {
	return []gates.Metric{
		failover.Metric(), leaderless.Metric(), outage.Metric(), availability.Metric(), throughput.Metric(),
		duplicates.Metric(), lost.Metric(), ghosts.Metric(), misreported.Metric(), unfenced.Metric(),
		redeliveries.Metric(), stuck.Metric(), deadletters.Metric(),
		takeover.Metric(), recovery.Metric(), overlap.Metric(), zombie.Metric(),
		leaked.Metric(), republished.Metric(), exitzero.Metric(), latency.Calm(), latency.Fault(),
		elections.Metric(), singletons.Metric(), shutdown.Metric(),
		attempts.Metric(), jitter.Metric(),
		kindparallelism.Provision(), kindparallelism.Cluster(), kindparallelism.Pipeline(),
		concurrencykeys.Concurrency(), concurrencykeys.Parallelism(),
		failfast.Metric(), isolation.Metric(), readmission.Metric(), probes.Metric(),
		parallelism.Compute(), parallelism.Network(), parallelism.Storage(),
		doublecalls.Metric(), repeatedsteps.Metric(),
	}
}

// metricsByName is Metrics for looking up.
func metricsByName() map[string]gates.Metric {
	byName := map[string]gates.Metric{}
	for _, m := range Metrics() {
		byName[m.Name] = m
	}
	return byName
}

// words are the verbs and faults together: what a line may begin with.
func words() map[string]drills.VerbSpec {
	all := map[string]drills.VerbSpec{}
	for name, v := range Verbs() {
		all[name] = v.VerbSpec
	}
	for name, f := range Faults() {
		spec := f.VerbSpec
		spec.Breaks = true
		if f.Held != nil {
			spec.Lasts = func(a drills.Args) time.Duration {
				hold, _ := f.Held(a)
				return hold
			}
		}
		all[name] = spec
	}
	return all
}
