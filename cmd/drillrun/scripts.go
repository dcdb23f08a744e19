package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reports"
)

// scripts loads what was named on the command line. Files of one name in several
// folders are named by their paths: reports, annotations and run folders know a
// scenario by its name alone. Each is held against the systems and the number of
// replicas; 0 is as the scenario says.
func scripts(names []string, replicas int, systems ...drills.System) ([]catalog.Script, error) {
	all, err := catalog.ScriptsFor(names, replicas, systems...)
	if err != nil {
		return all, err
	}
	count := map[string]int{}
	for _, s := range all {
		count[s.Name]++
	}
	taken := map[string]string{}
	var errs []error
	for i := range all {
		if s := &all[i]; count[s.Name] > 1 && s.Ref != s.Name {
			path := filepath.ToSlash(filepath.Clean(s.Ref))
			s.Name = strings.TrimSuffix(path, filepath.Ext(path))
		}
		s := all[i]
		if other, found := taken[s.Name]; found {
			errs = append(errs, fmt.Errorf("%s and %s are both the scenario %s: name one of them, or rename a file", other, s.Ref, s.Name))
		}
		taken[s.Name] = s.Ref
	}
	return all, errors.Join(errs...)
}

// ask marks what was asked for by name, a scenario or a set, and of which nothing
// was drilled although the system has what it takes.
func ask(runs []reports.Results, names []string, all []catalog.Script) {
	for _, name := range names {
		members, isSet := catalog.Sets()[name]
		if !isSet {
			members = []string{name}
		}
		of := func(r reports.Results) bool {
			return slices.ContainsFunc(all, func(s catalog.Script) bool { return s.Name == r.Scenario && slices.Contains(members, s.Ref) })
		}
		if slices.ContainsFunc(runs, func(r reports.Results) bool { return of(r) && r.Skipped == "" && r.Inapplicable == "" }) {
			continue
		}
		for i := range runs {
			if of(runs[i]) && runs[i].Skipped != "" {
				runs[i].Asked = true
			}
		}
	}
}
