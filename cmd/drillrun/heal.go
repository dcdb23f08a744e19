package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/internal/suggest"
)

func newHeal() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "heal [RUN…]",
		Short: "Undo what killed runs left behind",
		Long: `Looks for runs whose drillrun was killed, ends what is left of them, removes
their scratch data, and notes in their journals that their faults are undone. A
run that still goes on is left alone. Without RUN, all runs in the folder of
--out are looked at, and everything else that a drillrun of the same user may
have left. The next "drillrun run" does that by itself.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			var found findings
			if len(names) == 0 {
				found = healAll(cmd.Context(), out)
			} else {
				for _, name := range names {
					if err := runner.Folder(name).Known(); err != nil {
						return &exitError{exitUsage, err}
					}
					found.heal(cmd.Context(), runner.Folder(name))
				}
			}
			return found.tell(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&out, "out", "runs", "folder of the runs")
	return cmd
}

// findings are what healing came upon.
type findings struct {
	done  []string // what was undone
	alone []string // what still goes on
	errs  []error  // what could not be undone
}

// healAll undoes what killed runs left behind, also those that were killed
// before their folder said anything.
func healAll(ctx context.Context, out string) (found findings) {
	folders, err := runner.Folders(out)
	found.add("look for runs", nil, err)
	for _, f := range folders {
		found.heal(ctx, f)
	}
	for _, name := range slices.Sorted(maps.Keys(catalog.Substrates())) {
		done, err := catalog.Substrates()[name].Heal(ctx)
		found.add("substrate "+name, done, err)
	}
	return found
}

// heal undoes what one run left behind, if it is dead.
func (f *findings) heal(ctx context.Context, folder runner.Folder) {
	done, err := folder.Heal(ctx, healPlace)
	if errors.Is(err, engine.ErrAlive) {
		f.alone = append(f.alone, fmt.Sprintf("%s is still running: left alone", folder))
		return
	}
	f.add(string(folder), done, err)
}

func (f *findings) add(where string, done []string, err error) {
	for _, what := range done {
		f.done = append(f.done, where+": "+what)
	}
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("heal %s: %w", where, err))
	}
}

// tell writes everything down; what could not be undone is the error.
func (f *findings) tell(w io.Writer) error {
	lines := slices.Concat(f.alone, f.done)
	if len(f.done) == 0 && len(f.errs) == 0 {
		lines = append(lines, "nothing to heal")
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	if err := errors.Join(f.errs...); err != nil {
		return &exitError{exitEnvironment, err}
	}
	return nil
}

func healPlace(ctx context.Context, substrate, place string) ([]string, error) {
	entry, ok := catalog.Substrates()[substrate]
	if !ok {
		return nil, suggest.Unknown("substrate", substrate, slices.Collect(maps.Keys(catalog.Substrates())))
	}
	return entry.Heal(ctx, place)
}

// healFirst heals before a new run begins. What cannot be healed is told, and is
// no reason not to begin.
func healFirst(ctx context.Context, w io.Writer, out string, quiet bool) {
	found := healAll(ctx, out)
	for _, line := range found.done {
		if !quiet {
			fmt.Fprintln(w, "healed", line)
		}
	}
	for _, err := range found.errs {
		fmt.Fprintln(w, "drillrun:", err)
	}
}
