// Package metrics counts what a replica does, for GET /metrics.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Set is one replica's metrics, in a registry of their own.
type Set struct {
	registry    *prometheus.Registry
	jobs        *prometheus.CounterVec
	effects     *prometheus.CounterVec
	failures    *prometheus.CounterVec
	published   prometheus.Counter
	republished prometheus.Counter
	term        *prometheus.GaugeVec
	held        *prometheus.GaugeVec
	calls       *prometheus.CounterVec
	breaker     *prometheus.GaugeVec
	changes     *prometheus.CounterVec
	dropped     *prometheus.CounterVec
}

// New returns a set in which everything is zero.
func New() *Set {
	s := &Set{
		registry:    prometheus.NewRegistry(),
		jobs:        counters("jobs_total", "Jobs by what became of them at this replica.", "outcome"),
		effects:     counters("effects_total", "Effects by what the receiver did with them.", "outcome"),
		failures:    counters("failures_total", "Failed calls to a store or the network, by part.", "part"),
		published:   prometheus.NewCounter(opts("published_total", "Outbox rows published to the stream.")),
		republished: prometheus.NewCounter(opts("republished_total", "Jobs sent back to the outbox by the reconciler.")),
		term:        gauges("leadership_term", "Latest term this replica held.", "key"),
		held:        gauges("leadership_held", "1 while this replica holds the leadership.", "key"),
		calls:       counters("backend_calls_total", "Calls of backends by what became of them.", "backend", "outcome"),
		breaker:     gauges("breaker_state", "1 for the state that the breaker of a backend is in.", "backend", "state"),
		changes:     counters("breaker_changes_total", "Changes of the breaker of a backend, by the state it changed to.", "backend", "state"),
		dropped:     counters("dropped_total", "Measurements and changes of breakers that were not reported.", "what"),
	}
	s.registry.MustRegister(s.jobs, s.effects, s.failures, s.published, s.republished, s.term, s.held,
		s.calls, s.breaker, s.changes, s.dropped, collectors.NewGoCollector())
	return s
}

func opts(name, help string) prometheus.CounterOpts {
	return prometheus.CounterOpts{Namespace: "controlplane", Name: name, Help: help}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(opts(name, help), labels)
}

func gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts(opts(name, help)), labels)
}

// Job counts a job by outcome: submitted, done, retried, dead, lost, released.
func (s *Set) Job(outcome string, n int) { s.jobs.WithLabelValues(outcome).Add(float64(n)) }

// Effect counts an effect by outcome: accepted, seen, stale, refused, unknown.
func (s *Set) Effect(outcome string) { s.effects.WithLabelValues(outcome).Inc() }

// Failure counts a failed call of a part.
func (s *Set) Failure(part string) { s.failures.WithLabelValues(part).Inc() }

// Published counts outbox rows moved to the stream.
func (s *Set) Published(n int) { s.published.Add(float64(n)) }

// Republished counts jobs sent back to the outbox.
func (s *Set) Republished(n int) { s.republished.Add(float64(n)) }

// Leadership notes that a leadership has been won or has ended.
func (s *Set) Leadership(key string, term uint64, held bool) {
	s.term.WithLabelValues(key).Set(float64(term))
	s.held.WithLabelValues(key).Set(flag(held))
}

// Call counts a call of a backend by outcome: accepted, seen, stale, refused,
// failed, cancelled, or open and saturated where the backend was not called.
func (s *Set) Call(backend, outcome string) { s.calls.WithLabelValues(backend, outcome).Inc() }

// Breaker notes which of all states the breaker of a backend is in.
func (s *Set) Breaker(backend, state string) {
	for _, each := range []string{"closed", "open", "half-open"} {
		s.breaker.WithLabelValues(backend, each).Set(flag(each == state))
	}
}

// Changed counts a change of the breaker of a backend.
func (s *Set) Changed(backend, state string) { s.changes.WithLabelValues(backend, state).Inc() }

// Dropped counts what was not reported: changes, durations.
func (s *Set) Dropped(what string, n int) { s.dropped.WithLabelValues(what).Add(float64(n)) }

// flag is the value of a gauge that is on or off.
func flag(on bool) float64 {
	if on {
		return 1
	}
	return 0
}

// Handler serves the set in the Prometheus text format.
func (s *Set) Handler() http.Handler {
	return promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})
}
