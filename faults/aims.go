package faults

import (
	"fmt"
	"strings"

	"github.com/drillrun/drillrun/drills"
)

// takesTarget is the check of faults with one target and nothing else.
func takesTarget(a drills.Args) error { return takesTargetWith(a) }

// takesTargetWith is that of faults with one target and options.
func takesTargetWith(a drills.Args, options ...string) error {
	if err := a.Takes(1, 1, options...); err != nil {
		return err
	}
	return checkTargets(a.Words[0])
}

// checkTargets is the check of selectors joined by commas, each of them once.
func checkTargets(selectors string) error {
	seen := map[string]bool{}
	for selector := range strings.SplitSeq(selectors, ",") {
		switch {
		case selector == "":
			return fmt.Errorf("%q lacks a target: several are written leader,replica-2", selectors)
		case seen[selector] && selector != "any":
			return fmt.Errorf("%q chooses %s twice", selectors, selector)
		}
		seen[selector] = true
	}
	return nil
}

// What faults aim at, by the shape of their arguments.

func atTarget(a drills.Args) []drills.Aim   { return drills.AimProcesses(a.Words[0]) }
func atReplicas(a drills.Args) []drills.Aim { return drills.AimReplicas(a.Words[0]) }
func atLinks(a drills.Args) []drills.Aim    { return drills.AimLinks(a.Words[0]) }

func atLogin(a drills.Args) []drills.Aim {
	return []drills.Aim{{Kind: drills.AimLogin, Name: a.Words[0]}}
}
