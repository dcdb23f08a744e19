// Package verbs holds the steps of a script that are not faults, one file
// each. A verb checks its arguments before anything starts and takes its step
// when its line comes.
package verbs

import (
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// All returns every verb by name.
func All() map[string]engine.Verb {
	verbs := map[string]engine.Verb{}
	for _, v := range []engine.Verb{Await(), Drain(), Heal(), Load(), Read(), Resume(), RollingRestart(), Start(), Stop(), Wait()} {
		verbs[v.Name] = v
	}
	return verbs
}

// noArgs is the check of a verb that takes nothing.
func noArgs(a drills.Args) error { return a.Takes(0, 0) }
