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
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/internal/surroundings"
	"github.com/drillrun/drillrun/reference/adapter"
)

// The exit codes, which CI scripts depend on. A crash of drillrun itself must
// not look like an unknown verdict, which is what Go's own status 2 would do.
const (
	exitPass        = 0
	exitFail        = 1
	exitUnknown     = 2
	exitUsage       = 3
	exitEnvironment = 4
	exitCrash       = 70
	exitInterrupted = 130
)

func main() {
	adapter.RunReplica()
	surroundings.Shed()
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
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "drillrun crashed: %v\n%s", r, debug.Stack())
			code = exitCrash
		}
	}()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitPass
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintln(stderr, "drillrun:", exit.err)
		}
		return exit.code
	}
	fmt.Fprintf(stderr, "drillrun: %v\n", err)
	return exitUsage
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "drillrun",
		Short: "Break it on purpose, and see whether it keeps its promises",
		Long: `drillrun starts a system with its stores, puts it under load, breaks something
for real, and judges the recorded history: failover, duplicates, lost jobs.

Exit codes: 0 all gates passed, 1 a gate failed, 2 a verdict is unknown,
3 wrong usage or scenario, 4 the environment could not be started or healed,
130 interrupted (after healing).`,
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
