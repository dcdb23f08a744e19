package catalog

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/input"
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
	return each(names, func(Script) scenarios.Mistakes { return nil })
}

// ScriptsFor loads scenarios to be run with each of those systems, or without any
// with one that is not known yet, and holds them against it. Replicas is how many
// there will be, 0 for as many as a scenario says.
func ScriptsFor(names []string, replicas int, systems ...drills.System) ([]Script, error) {
	return each(names, func(s Script) (mistakes scenarios.Mistakes) {
		if len(systems) == 0 {
			return s.unfit(nil, replicas)
		}
		for _, system := range systems {
			mistakes = append(mistakes, s.unfit(system, replicas)...)
		}
		return mistakes
	})
}

// each loads scenarios, with the mistakes that more finds in them.
func each(names []string, more func(Script) scenarios.Mistakes) ([]Script, error) {
	if len(names) == 0 {
		names = scenarios.Names()
	}
	var scripts []Script
	var errs []error
	for _, name := range expand(names) {
		s, mistakes, err := load(name)
		if err == nil {
			err = append(mistakes, more(s)...).Err()
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		scripts = append(scripts, s)
	}
	return scripts, errors.Join(append(errs, namesakes(scripts))...)
}

// namesakes refuses two scenarios of one name: reports could not tell one from the
// other, and those who read them keep one.
func namesakes(scripts []Script) error {
	var errs []error
	first := map[string]string{}
	for _, s := range scripts {
		if ref, taken := first[s.Name]; taken {
			errs = append(errs, fmt.Errorf("%s and %s are both called %s: name one of the files otherwise", input.Line(ref), input.Line(s.Ref), s.Name))
			continue
		}
		first[s.Name] = s.Ref
	}
	return errors.Join(errs...)
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
func load(name string) (Script, scenarios.Mistakes, error) {
	if slices.Contains(scenarios.Names(), name) {
		file, source, err := scenarios.Source(name)
		if err != nil {
			return Script{}, nil, err
		}
		s, mistakes := parse(file, source)
		s.Ref = name
		return s, mistakes, nil
	}
	if !strings.ContainsAny(name, "/.") {
		known := scenarios.Names()
		for set := range Sets() {
			known = append(known, set)
		}
		return Script{}, nil, fmt.Errorf("%w; a file is written with its path, ./%s", suggest.Unknown("scenario", name, known), name)
	}
	source, err := input.Read(name, input.MaxScenario)
	if err != nil {
		return Script{}, nil, fmt.Errorf("read scenario: %w", err)
	}
	if called := nameOf(name); called == "" || len(called) > maxName || input.Line(called) != called {
		return Script{}, nil, fmt.Errorf("%s: a scenario is called as its file: want a name of 1 to %d printable characters before %s",
			input.Line(name), maxName, filepath.Ext(name))
	}
	s, mistakes := parse(name, source)
	return s, mistakes, nil
}

// maxName bounds the name of a scenario, which is a part of the names of folders.
const maxName = 100

// nameOf is what a scenario is called: as its file.
func nameOf(file string) string {
	base := filepath.Base(file)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

// Parse checks a script and its gates. The error joins one *drills.LineError
// for each mistake, up to twenty.
func Parse(file string, source []byte) (Script, error) {
	s, mistakes := parse(file, source)
	if err := mistakes.Err(); err != nil {
		return Script{}, err
	}
	return s, nil
}

// parse reads a script and its gates. With mistakes, the script has what is right.
func parse(file string, source []byte) (Script, scenarios.Mistakes) {
	s, mistakes := scenarios.Read(file, source, words())
	s.Name = nameOf(file)
	script := Script{Scenario: s, Ref: file}
	gated, wrong := compile(file, s.Gates, gates.Compile)
	aborts, wrongToo := compile(file, s.Aborts, gates.CompileCondition)
	script.Gates, script.Aborts = gated, aborts
	return script, slices.Concat(mistakes, wrong, wrongToo)
}

// compile reads lines that are written like gates. The same bound of the same thing
// is wanted once: of two, one is meant to be something else.
func compile(file string, lines []drills.GateLine, one func(string, map[string]gates.Metric) (gates.Gate, error)) ([]gates.Gate, scenarios.Mistakes) {
	var compiled []gates.Gate
	var wrong scenarios.Mistakes
	metrics := metricsByName()
	first := map[[3]string]int{} // lines
	for _, line := range lines {
		gate, err := one(line.Text, metrics)
		if err == nil {
			bound := [3]string{gate.Metric.Name, gate.Aggregate, gate.Op}
			if at, again := first[bound]; again {
				err = fmt.Errorf("line %d asks for the same: leave one of them out", at)
			} else {
				first[bound] = line.Line
			}
		}
		if err != nil {
			wrong = wrong.In(file, line, err)
			continue
		}
		compiled = append(compiled, gate)
	}
	return compiled, wrong
}
