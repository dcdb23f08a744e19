package main

import (
	"slices"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/reports"
)

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
