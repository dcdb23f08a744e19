package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can drill, and how to mend what it lacks",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lacking, err := examine(cmd)
			if err != nil {
				return err
			}
			if lacking {
				return &exitError{code: exitEnvironment}
			}
			return nil
		},
	}
}

func examine(cmd *cobra.Command) (lacking bool, err error) {
	w := cmd.OutOrStdout()
	for _, name := range slices.Sorted(maps.Keys(catalog.Substrates())) {
		if _, err := fmt.Fprintf(w, "substrate %s\n", name); err != nil {
			return false, err
		}
		for _, need := range catalog.Substrates()[name].Check(cmd.Context()) {
			if need.Err != nil {
				lacking = true
			}
			if err := tellNeed(w, need); err != nil {
				return false, err
			}
		}
	}
	return lacking, nil
}

func tellNeed(w io.Writer, n catalog.Need) error {
	state, text := "ok", n.Have
	if n.Err != nil {
		state, text = "MISSING", n.Err.Error()
	}
	_, err := fmt.Fprintf(w, "  %-8s %-14s %s\n", state, n.Name, text)
	return err
}
