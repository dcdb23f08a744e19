package catalog

import (
	"cmp"
	"fmt"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/scenarios"
)

// Inapplicable says why the scenario cannot be drilled with a system that is set
// up by these options: what it requires and the system does not offer, or options
// that the system would not follow, or of a built-in scenario what is not there to be
// broken. It is empty where nothing stands against it.
func (s Script) Inapplicable(system drills.System, options map[string]string) string {
	for _, want := range s.Requires {
		if !system.Guarantees().Offers(want) {
			return fmt.Sprintf("%s offers no %s", system.Name(), want)
		}
	}
	if why := unfollowed(system, options); why != "" || !s.builtIn() {
		return why
	}
	if site, known := siteOf(system, s.Replicas); known {
		for _, m := range scenarios.Fit(s.Scenario, words(), site) {
			return fmt.Sprintf("%s: %v", m.Text, m.Err)
		}
	}
	return ""
}

// unfollowed says why a system would not follow those options.
func unfollowed(system drills.System, options map[string]string) string {
	if len(options) == 0 {
		return ""
	}
	optioned, ok := system.(drills.Optioned)
	if !ok {
		return fmt.Sprintf("%s has no options, and some are set", system.Name())
	}
	if err := optioned.CheckOptions(options); err != nil {
		return err.Error()
	}
	return ""
}

// builtIn says whether the scenario came with drillrun: its lines are nobody's to
// mend, so that what does not fit a system is no mistake.
func (s Script) builtIn() bool { return s.Ref == s.Name }

// unfit is what names nothing in the scenario, with a system or, where that is nil,
// with any. A scenario that does not apply names nothing wrongly.
func (s Script) unfit(system drills.System, replicas int) scenarios.Mistakes {
	replicas = cmp.Or(replicas, s.Replicas)
	if system == nil {
		return scenarios.Fit(s.Scenario, words(), anySite(replicas))
	}
	if s.Inapplicable(system, s.Options) != "" {
		return nil
	}
	site, known := siteOf(system, replicas)
	if !known {
		return nil
	}
	return scenarios.Fit(s.Scenario, words(), site)
}

// siteOf is what a script finds in a system, where that says so before it is started.
func siteOf(system drills.System, replicas int) (site scenarios.Site, known bool) {
	outlined, known := system.(drills.Outlined)
	if !known {
		return site, false
	}
	return scenarios.Site{
		System: system.Name(), Replicas: replicas, Leader: system.Guarantees().Leader, Outline: outlined.Outline(),
	}, true
}

// anySite is what a script may find in some system: the stores that every substrate
// has, and whatever a system can tell.
func anySite(replicas int) scenarios.Site {
	site := scenarios.Site{Replicas: replicas, Leader: true, Outline: drills.Outline{
		Ends: append([]string{"witness"}, drills.BackendNames()...), Queue: true, Inspected: true,
	}}
	for _, role := range []drills.Role{drills.RolePostgres, drills.RoleRedis} {
		site.Stores = append(site.Stores, drills.StoreOutline{Name: string(role), Role: role, Login: true})
	}
	return site
}
