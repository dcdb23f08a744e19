package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/manifest/skeleton"
)

func newInit() *cobra.Command {
	var system, dir string
	cmd := &cobra.Command{
		Use:   "init --system NAME",
		Short: "Write a manifest, a scenario and a small program to begin with",
		Long: `Writes the folder NAME with system.yaml (how your system is started and spoken
to), first.txtar (a scenario), and server.py, a small program that both are
written for: they can be drilled as they are, and you put your own program in
its place. Nothing that exists is overwritten.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, taken := catalog.Systems()[system]; taken {
				return &exitError{exitUsage, fmt.Errorf("--system %s: that is the name of a system of the catalog; choose another", system)}
			}
			written, err := skeleton.Write(dir, system)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			return tellNext(cmd, filepath.Join(dir, system), written)
		},
	}
	cmd.Flags().StringVar(&system, "system", "", "the name of your system")
	cmd.Flags().StringVar(&dir, "dir", ".", "where its folder is made")
	if err := cmd.MarkFlagRequired("system"); err != nil {
		panic(err) // there is no such flag
	}
	return cmd
}

// tellNext says what was written, and what comes next.
func tellNext(cmd *cobra.Command, folder string, written []string) error {
	files := quote(filepath.Join(folder, skeleton.Scenario)) + " --system " + quote(filepath.Join(folder, skeleton.Manifest))
	_, err := fmt.Fprintf(cmd.OutOrStdout(), `wrote %s

next:
  drillrun validate %s
  drillrun run %s
  drillrun schema > %s  # editors then check what you write
`, strings.Join(written, ", "), files, files, quote(filepath.Join(folder, "system.schema.json")))
	return err
}
