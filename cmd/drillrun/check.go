package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/reports"
)

func newCheck() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "check RUN…",
		Short: "Judge the histories of runs again, from their folders alone",
		Long: `Judges each run folder by the gates of the scenario in it. Nothing but the
files is needed: the verdicts are the same on every machine. A history that was
truncated or edited is unknown, with the reason.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			d, err := checkAll(cmd.Context(), folders)
			if err != nil {
				return err
			}
			write := writeTable
			if asJSON {
				write = reports.JSON
			}
			if err := write(cmd.OutOrStdout(), d); err != nil {
				return err
			}
			if d.ExitCode() != exitPass {
				return &exitError{code: d.ExitCode()}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document instead of the table")
	return cmd
}

func checkAll(ctx context.Context, folders []string) (reports.Document, error) {
	var runs []reports.Results
	var errs []error
	for _, f := range folders {
		folder := runner.Folder(f)
		r, err := catalog.Judge().Check(ctx, folder, "")
		if err == nil {
			r.Repeat = again(folder, r)
		}
		runs, errs = append(runs, r), append(errs, err)
	}
	return reports.NewDocument(runs, true), unknown(errors.Join(errs...))
}

// unknown is the exit code of folders that are none of runs. What cannot be read
// may be one: that is the environment's doing.
func unknown(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return &exitError{exitEnvironment, err}
	}
	return &exitError{exitUsage, err}
}

func newReport() *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use:   "report RUN…",
		Short: "Write a report of runs to standard output",
		Long:  "Judges each run folder again and writes a report: " + formats(reports.Formats()) + ".",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			write, ok := reports.Formats()[format]
			if !ok {
				return &exitError{exitUsage, fmt.Errorf("--format %q: want one of %s", format, formats(reports.Formats()))}
			}
			d, err := checkAll(cmd.Context(), folders)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), d)
		},
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "one of "+formats(reports.Formats()))
	return cmd
}
