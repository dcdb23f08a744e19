package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/drills/substrate/docker"
)

func newImages() *cobra.Command {
	return &cobra.Command{
		Use:   "images",
		Short: "Build the images that the docker substrate needs, without a registry",
		Long: `Builds drillrun/postgres and drillrun/redis from the programs that are installed
on this machine, and drillrun/controlplane from this very program. Nothing is
downloaded. The first two understand the environment variables of the official
images, and are used where those are absent.

Exit codes: 0 all are built, 4 no engine answers or a program is missing.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			program, err := os.Executable()
			if err != nil {
				return &exitError{exitEnvironment, fmt.Errorf("find this program: %w", err)}
			}
			err = docker.BuildImages(cmd.Context(), program, func(b docker.Built) error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%-36s %6.1f MB %5.1f s\n", b.Name, float64(b.Size)/1e6, b.Took.Seconds())
				return err
			})
			if err != nil {
				return &exitError{exitEnvironment, err}
			}
			return nil
		},
	}
}
