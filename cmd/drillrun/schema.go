package main

import (
	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of manifests, for editors",
		Long: `Prints the JSON Schema (2020-12) of system.yaml, the manifest by which a system
in any language is drilled. Editors take it from a comment on the first line:

  # yaml-language-server: $schema=system.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(catalog.ManifestSchema())
			return err
		},
	}
}
