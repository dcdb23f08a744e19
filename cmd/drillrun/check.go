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
	asJSON, keys := false, ""
	cmd := &cobra.Command{
		Use:   "check RUN…",
		Short: "Judge the histories of runs again, from their folders alone",
		Long: `Judges each run folder by the gates of the scenario in it. Nothing but the
files is needed: the verdicts are the same on every machine. A history that was
truncated, or edited by accident or without care, is unknown, with the reason.
Whoever edits one with care can seal it again: compare the digest that every
report has, or have records signed (run --sign-key) and verify that here.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, folders []string) error {
			d, err := checkAll(cmd.Context(), folders, keys)
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
	cmd.Flags().StringVar(&keys, "verify-key", "", "file of Ed25519 public keys of SSH: a history that none of them has signed is unknown")
	return cmd
}

// checkAll judges run folders. Where there is a file of keys, one of them must have
// signed each.
func checkAll(ctx context.Context, folders []string, keys string) (reports.Document, error) {
	judge, err := judgeOf(keys)
	if err != nil {
		return reports.Document{}, &exitError{exitUsage, err}
	}
	var runs []reports.Results
	var errs []error
	for _, f := range folders {
		folder := runner.Folder(f)
		r, err := judge.Check(ctx, folder, "")
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

// judgeOf is the judge of this version of drillrun.
func judgeOf(keys string) (judge runner.Judge, err error) {
	judge = catalog.Judge()
	judge.Version = buildVersion()
	if keys != "" {
		judge.Keys, err = runner.ReadVerifyKeys(keys)
	}
	return judge, err
}

func newReport() *cobra.Command {
	format, keys := "", ""
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
			d, err := checkAll(cmd.Context(), folders, keys)
			if err != nil {
				return err
			}
			return write(cmd.OutOrStdout(), d)
		},
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "one of "+formats(reports.Formats()))
	cmd.Flags().StringVar(&keys, "verify-key", "", "file of Ed25519 public keys of SSH: a history that none of them has signed is unknown")
	return cmd
}
