package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
)

func newValidate() *cobra.Command {
	var system string
	cmd := &cobra.Command{
		Use:   "validate [SCENARIO…]",
		Short: "Check scenarios and a system's manifest without running anything",
		RunE: func(cmd *cobra.Command, names []string) error {
			if system == "" && len(names) == 0 {
				return errors.New("there is nothing to check: name scenarios, or a manifest by --system")
			}
			return validate(cmd, system, names)
		},
	}
	cmd.Flags().StringVar(&system, "system", "", "check this system's manifest too")
	return cmd
}

// validate looks at everything, so that all mistakes are told at once.
func validate(cmd *cobra.Command, system string, names []string) error {
	var wrong error
	if system != "" {
		found, err := catalog.System(system)
		if err == nil {
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, the system %s\n", system, found.Name())
		}
		wrong = err
	}
	if len(names) > 0 {
		wrong = errors.Join(wrong, validateScripts(cmd, names))
	}
	if wrong != nil {
		return &exitError{exitUsage, wrong}
	}
	return nil
}

func validateScripts(cmd *cobra.Command, names []string) error {
	scripts, err := catalog.Scripts(names)
	if err != nil {
		return err
	}
	for _, s := range scripts {
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %d steps, %d gates\n", s.File, len(s.Steps), len(s.Gates)); err != nil {
			return err
		}
	}
	return nil
}
