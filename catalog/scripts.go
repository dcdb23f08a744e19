package catalog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/scenarios"
)

// Script is a scenario with its gates compiled: all of it checked.
type Script struct {
	*drills.Scenario
	Gates  []gates.Gate
	Aborts []gates.Gate // the conditions on which a drill of it is aborted
	Ref    string       // what names it on the command line: a built-in name, or the path of its file
}

// Sets are names for several built-in scenarios at once.
func Sets() map[string][]string {
	first := []string{"calm", "leader-kill", "worker-kill", "all-replicas-die"}
	return map[string][]string{
		"first": first,
		"core": append(first,
			"leader-pause", "leader-partition", "leader-deaf", "frozen-waiter", "leader-session-terminated",
			"graceful-handover", "rolling-restart",
			"postgres-restart", "postgres-crash", "redis-restart", "redis-flush",
		),
		"resilience": {
			"breaker-trip-recover", "backend-isolation", "halfopen-probe", "retry-budget", "bulkhead-saturation", "callers-leave",
			"singleton-failover", "one-key-lost", "api-survives-replica-loss", "poison-kind", "steps-resumed", "full-lanes-stop",
		},
		"containers": {"leader-drop", "replica-disconnected", "memory-squeeze", "cpu-throttle"},
	}
}

// Scripts loads what was named on the command line: built-in scenarios, sets
// of them, or files; without a name, every built-in one. The error joins
// everything that is wrong with any of them.
func Scripts(names []string) ([]Script, error) {
	if len(names) == 0 {
		names = scenarios.Names()
	}
	var scripts []Script
	var errs []error
	for _, name := range expand(names) {
		s, err := load(name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		scripts = append(scripts, s)
	}
	return scripts, errors.Join(errs...)
}

func expand(names []string) []string {
	var all []string
	for _, name := range names {
		members, isSet := Sets()[name]
		if !isSet {
			members = []string{name}
		}
		for _, m := range members {
			if !slices.Contains(all, m) {
				all = append(all, m)
			}
		}
	}
	return all
}

// load reads one scenario: a built-in by its name, anything that looks like a
// path from its file.
func load(name string) (Script, error) {
	if slices.Contains(scenarios.Names(), name) {
		file, source, err := scenarios.Source(name)
		if err != nil {
			return Script{}, err
		}
		s, err := Parse(file, source)
		s.Ref = name
		return s, err
	}
	if !strings.ContainsAny(name, "/.") {
		known := scenarios.Names()
		for set := range Sets() {
			known = append(known, set)
		}
		return Script{}, fmt.Errorf("%w; a file is written with its path, ./%s", suggest.Unknown("scenario", name, known), name)
	}
	source, err := os.ReadFile(name)
	if err != nil {
		return Script{}, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(name, source)
}

// Parse checks a script and its gates. The error joins one *drills.LineError
// for each mistake.
func Parse(file string, source []byte) (Script, error) {
	s, err := scenarios.Parse(file, source, words())
	if err != nil {
		return Script{}, err
	}
	base := filepath.Base(file)
	s.Name = strings.TrimSuffix(base, filepath.Ext(base))
	script := Script{Scenario: s, Ref: file}
	var wrong, wrongToo error
	script.Gates, wrong = compile(file, s.Gates, gates.Compile)
	script.Aborts, wrongToo = compile(file, s.Aborts, gates.CompileCondition)
	if err := errors.Join(wrongToo, wrong); err != nil {
		return Script{}, err
	}
	return script, nil
}

// compile reads lines that are written like gates.
func compile(file string, lines []drills.GateLine, one func(string, map[string]gates.Metric) (gates.Gate, error)) ([]gates.Gate, error) {
	var compiled []gates.Gate
	var errs []error
	metrics := metricsByName()
	for _, line := range lines {
		gate, err := one(line.Text, metrics)
		if err != nil {
			errs = append(errs, &drills.LineError{File: file, Line: line.Line, Text: line.Text, Err: err})
			continue
		}
		compiled = append(compiled, gate)
	}
	return compiled, errors.Join(errs...)
}
