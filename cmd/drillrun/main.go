// Command drillrun breaks systems on purpose and says whether they kept their
// promises. It is wiring only: one file a command, all that it names comes
// from the catalog. Started as a replica, it is the reference control plane
// itself, so that one installed binary is enough.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/internal/surroundings"
	"github.com/drillrun/drillrun/reference/adapter"
	"github.com/drillrun/drillrun/reports"
)

// The exit codes, which CI scripts depend on. A crash of drillrun itself must
// not look like an unknown verdict, which is what Go's own status 2 would do.
const (
	exitPass        = 0
	exitFail        = 1
	exitUnknown     = 2
	exitUsage       = reports.ExitUsage
	exitEnvironment = reports.ExitEnvironment
	exitCrash       = reports.ExitCrash
	exitInterrupted = reports.ExitInterrupted
)

func main() {
	adapter.RunReplica()
	surroundings.Shed()
	// What cannot be recovered, such as want of memory, ends by SIGABRT.
	debug.SetTraceback("crash")
	os.Exit(run(newRoot(), os.Args[1:], os.Stdout, os.Stderr))
}

// exitError is an error with the exit code it stands for. One without a text
// has been told already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run executes one command line and returns its exit code.
func run(root *cobra.Command, args []string, stdout, stderr io.Writer) (code int) {
	ctx, stop := heed(context.Background())
	defer stop()
	root.SetArgs(args)
	root.SetOut(&pipe{stdout})
	root.SetErr(stderr)
	classify(root)
	err := follow(ctx, func(ctx context.Context) (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = &exitError{exitCrash, fmt.Errorf("crashed: %v\n%s", r, debug.Stack())}
			}
		}()
		return root.ExecuteContext(ctx)
	})
	if err == nil {
		return exitPass
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{exitUsage, err} // cobra's own: an argument or a flag
	}
	if exit.err != nil {
		fmt.Fprintln(stderr, "drillrun:", reports.PlainLines(exit.Error()))
	}
	return exit.code
}

// classify has every command end with an exit code: an error that does not say
// which is none of usage. What an interrupted command says is what interrupted it.
func classify(cmd *cobra.Command) {
	for _, c := range cmd.Commands() {
		classify(c)
	}
	do := cmd.RunE
	if do == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := do(cmd, args)
		var exit *exitError
		known := errors.As(err, &exit)
		switch {
		case err == nil, known && (exit.code == exitCrash || exit.code == exitInterrupted):
			return err
		case cmd.Context().Err() != nil:
			return &exitError{exitInterrupted, context.Cause(cmd.Context())}
		case !known:
			return &exitError{exitEnvironment, err}
		}
		return err
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "drillrun",
		Short: "Break it on purpose, and see whether it keeps its promises",
		Long: `drillrun starts a system with its stores, puts it under load, breaks something
for real, and judges the recorded history: failover, duplicates, lost jobs.

Exit codes: 0 all gates passed, 1 a gate failed, 2 a verdict is unknown, or what
was asked for by name was skipped, 3 wrong usage or scenario (nothing was
started), 4 something could not be started, healed, recorded or written,
130 interrupted (after healing), 70 or a signal: drillrun crashed.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var known []string
			for _, c := range cmd.Commands() {
				known = append(known, c.Name())
			}
			return suggest.Unknown("command", args[0], known)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newRun(), newCompare(), newProve(), newCheck(), newReport(), newList(), newValidate(), newSchema(), newInit(), newHeal(), newDoctor(catalog.Substrates()), newImages(), newVersion())
	return root
}
