package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
)

func newDoctor(substrates map[string]catalog.SubstrateEntry) *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine can drill, and how to mend what it lacks",
		Long: `Looks at everything that a drill needs of the machine: programs and their
versions, the user that stores run as, addresses and ports, room for data,
limits. What is missing comes with the command that mends it. Nothing is
changed, and nothing is left behind.

Exit codes: 0 the default substrate can run, 4 it cannot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := diagnose(cmd.Context(), substrates)
			if err := cmd.Context().Err(); err != nil {
				return err // nothing is known of what was not looked at
			}
			write := writeDiagnosis
			if asJSON {
				write = writeDiagnosisJSON
			}
			if err := write(cmd.OutOrStdout(), d); err != nil {
				return err
			}
			if !d.OK {
				return &exitError{code: exitEnvironment}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document instead of the table")
	return cmd
}

func writeDiagnosisJSON(w io.Writer, d diagnosis) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

func writeDiagnosis(w io.Writer, d diagnosis) error {
	_, err := io.WriteString(w, d.table())
	return err
}
