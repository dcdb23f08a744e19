package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
)

func newValidate() *cobra.Command {
	return &cobra.Command{
		Use:   "validate SCENARIO…",
		Short: "Check scenarios without running them",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			scripts, err := catalog.Scripts(names)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			for _, s := range scripts {
				if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: ok, %d steps, %d gates\n", s.File, len(s.Steps), len(s.Gates)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
