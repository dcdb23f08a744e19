package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reports"
	"github.com/drillrun/drillrun/scenarios"
)

type validateOptions struct {
	system   string
	replicas int
	strict   bool
}

func newValidate() *cobra.Command {
	o := &validateOptions{}
	cmd := &cobra.Command{
		Use:   "validate [SCENARIO…]",
		Short: "Check scenarios and a system's manifest without running anything",
		Long: `Checks scenarios, and the manifest of a system, by what "drillrun run" checks
before it starts anything. With --system, each scenario is held against that
system: its stores, links and kinds of jobs. What runs and yet cannot come to a
verdict is a warning; --strict makes it a mistake.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if o.system == "" && len(names) == 0 {
				return &exitError{exitUsage, errors.New("there is nothing to check: name scenarios, or a manifest by --system")}
			}
			err := o.validate(cmd, names)
			if _, known := errors.AsType[*exitError](err); err != nil && !known {
				return &exitError{exitUsage, err}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.system, "system", "", "check this system's manifest too, and hold the scenarios against it")
	f.IntVar(&o.replicas, "replicas", 0, "hold them against so many replicas (default: as the scenario says)")
	f.BoolVar(&o.strict, "strict", false, "a warning is a mistake")
	return cmd
}

// validate looks at everything, so that all mistakes are told at once.
func (o *validateOptions) validate(cmd *cobra.Command, names []string) error {
	if o.replicas < 0 || o.replicas > scenarios.MaxReplicas {
		return fmt.Errorf("--replicas %d: want a whole number from 1 to %d", o.replicas, scenarios.MaxReplicas)
	}
	var systems []drills.System
	var wrong error
	if o.system != "" {
		system, err := catalog.System(o.system)
		if err == nil {
			systems = append(systems, system)
			err = say(cmd.OutOrStdout(), "%s: ok, the system %s", o.system, system.Name())
		}
		wrong = err
	}
	if len(names) == 0 {
		return wrong
	}
	all, err := catalog.ScriptsFor(names, o.replicas, systems...)
	wrong = errors.Join(wrong, err)
	for _, s := range all {
		wrong = errors.Join(wrong, o.tell(cmd, s, systems))
	}
	return wrong
}

// tell says that a script is right, and what is to be said of it all the same.
func (o *validateOptions) tell(cmd *cobra.Command, s catalog.Script, systems []drills.System) error {
	warnings := s.Warnings(systems...)
	for _, w := range warnings {
		if err := say(cmd.ErrOrStderr(), "%v (warning)", w); err != nil {
			return err
		}
	}
	if o.strict && len(warnings) > 0 {
		return fmt.Errorf("%s: %d warnings, which --strict takes for mistakes", s.File, len(warnings))
	}
	applies := ""
	for _, system := range systems {
		if why := s.Inapplicable(system, s.Options); why != "" {
			applies = "; not applicable: " + why
		}
	}
	return say(cmd.OutOrStdout(), "%s: ok, %d steps, %d gates%s", s.File, len(s.Steps), len(s.Gates), applies)
}

// say writes a line. That it cannot is no mistake in what is checked.
func say(w io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintln(w, reports.Plain(fmt.Sprintf(format, args...))); err != nil {
		return &exitError{exitEnvironment, err}
	}
	return nil
}
