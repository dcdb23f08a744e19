package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// releases are those of another system between which a bug was mended.
type releases struct {
	reports.Bug
	with, without drills.System
}

// name is what --system calls the release that is drilled.
func (r releases) name(d prove.Drill) string {
	if d.Defect == "" {
		return r.Without
	}
	return r.With
}

func (r releases) system(d prove.Drill) drills.System {
	if d.Defect == "" {
		return r.without
	}
	return r.with
}

// readBugs are the bugs that were asked for.
func (o *proveOptions) readBugs() ([]prove.Defect, error) {
	if len(o.defects)+len(o.scenarios) > 0 {
		return nil, errors.New("--bug stands for itself: a bug names its scenario; leave out --defect and --scenario")
	}
	var bugs []prove.Defect
	var errs []error
	for _, file := range o.bugs {
		bug, err := prove.ReadBug(file)
		bugs, errs = append(bugs, bug), append(errs, err)
	}
	return bugs, errors.Join(errs...)
}

// findReleases are those of all bugs among the defects, by scenario.
func findReleases(all []prove.Defect) (map[string]releases, error) {
	found := map[string]releases{}
	var errs []error
	for _, d := range all {
		if d.Bug == nil {
			continue
		}
		r := releases{Bug: *d.Bug}
		var with, without error
		r.with, with = catalog.System(d.Bug.With)
		r.without, without = catalog.System(d.Bug.Without)
		for _, scenario := range d.Scenarios {
			if _, taken := found[scenario]; taken {
				errs = append(errs, fmt.Errorf("%s: another bug is held against %s, too: each needs a scenario of its own", d.Name, scenario))
			}
			found[scenario] = r
		}
		errs = append(errs, with, without)
	}
	return found, errors.Join(errs...)
}

// canAccuse refuses the scenario of a bug without a gate that names the symptom.
func canAccuse(all []prove.Defect, scripts map[string]catalog.Script) error {
	var errs []error
	for _, d := range all {
		for _, scenario := range d.Scenarios {
			if d.Bug != nil && !slices.ContainsFunc(scripts[scenario].Gates, func(g gates.Gate) bool { return g.Metric.Name == d.Gate }) {
				errs = append(errs, fmt.Errorf("%s: no gate of %s judges %s, which names the symptom", d.Name, scenario, d.Gate))
			}
		}
	}
	return errors.Join(errs...)
}
