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
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reports"
)

func newHeal() *cobra.Command {
	out := ""
	cmd := &cobra.Command{
		Use:   "heal [RUN…]",
		Short: "Undo what killed runs left behind",
		Long: `Looks for runs whose drillrun was killed, ends what is left of them, removes
their scratch data, and notes in their journals that their faults are undone. A
run that still goes on is left alone, and so is whatever this user's drillrun
has not certainly made. Without RUN, all runs in the folder of --out are looked
at, and everything else that a drillrun of the same user may have left. The next
"drillrun run" does that by itself, for the substrate that it uses.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := begin(cmd.Context()); err != nil {
				return err
			}
			var found findings
			if len(names) == 0 {
				found = healAll(cmd.Context(), out, catalog.Substrates())
			} else {
				for _, name := range names {
					if err := runner.Folder(name).Known(); err != nil {
						return unknown(err)
					}
					found.heal(cmd.Context(), runner.Folder(name))
				}
			}
			if cmd.Context().Err() != nil {
				found.errs = append(found.errs, errInterrupted)
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

// errInterrupted says that healing was broken off.
var errInterrupted = &exitError{exitInterrupted, errors.New("interrupted: what is not healed yet can be healed later")}

// healAll undoes what killed runs left behind on these substrates, also those that
// were killed before their folder said anything.
func healAll(ctx context.Context, out string, substrates map[string]catalog.SubstrateEntry) (found findings) {
	folders, err := runner.Folders(out)
	found.add("look for runs", nil, err)
	for _, f := range folders {
		done, err := f.Heal(ctx, healOn(substrates))
		switch {
		case errors.Is(err, errElsewhere):
			found.alone = append(found.alone, fmt.Sprintf("%s: %v", f, err))
		case errors.Is(err, engine.ErrForeign):
			found.alone = append(found.alone, fmt.Sprintf("%s: left alone: %v", f, err))
		default:
			found.note(f, done, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(substrates)) {
		done, err := substrates[name].Heal(ctx)
		alone, err := apart(err)
		for _, what := range alone {
			found.alone = append(found.alone, fmt.Sprintf("substrate %s: %v", name, what))
		}
		found.add("substrate "+name, done, err)
	}
	return found
}

// heal undoes what one run left behind, if it is dead.
func (f *findings) heal(ctx context.Context, folder runner.Folder) {
	done, err := folder.Heal(ctx, healOn(catalog.Substrates()))
	f.note(folder, done, err)
}

func (f *findings) note(folder runner.Folder, done []string, err error) {
	if errors.Is(err, engine.ErrAlive) {
		f.alone = append(f.alone, fmt.Sprintf("%s is still running: left alone", folder))
		return
	}
	f.add(string(folder), done, err)
}

// apart takes out of an error what was left alone on purpose.
func apart(err error) (alone []*drills.LeftAlone, rest error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var errs []error
		for _, e := range joined.Unwrap() {
			some, e := apart(e)
			alone, errs = append(alone, some...), append(errs, e)
		}
		return alone, errors.Join(errs...)
	}
	if left, ok := errors.AsType[*drills.LeftAlone](err); ok {
		return []*drills.LeftAlone{left}, nil
	}
	return nil, err
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
		if _, err := fmt.Fprintln(w, reports.Plain(line)); err != nil {
			return err
		}
	}
	err := errors.Join(f.errs...)
	switch {
	case errors.Is(err, errInterrupted):
		return errInterrupted
	case err != nil:
		return &exitError{exitEnvironment, err}
	}
	return nil
}

// errElsewhere says that a run has left something on a substrate that is not asked.
var errElsewhere = errors.New("`drillrun heal` undoes what it left")

// healOn heals places of these substrates.
func healOn(substrates map[string]catalog.SubstrateEntry) runner.Healer {
	return func(ctx context.Context, substrate, place string) ([]string, error) {
		if _, known := catalog.Substrates()[substrate]; !known {
			return nil, suggest.Unknown("substrate", substrate, slices.Collect(maps.Keys(catalog.Substrates())))
		}
		entry, asked := substrates[substrate]
		if !asked {
			return nil, errElsewhere
		}
		return entry.Heal(ctx, place)
	}
}

// healFirst heals before a new run begins, where that is going to run: a drill on
// this machine's own processes needs no engine that may not answer. What cannot be
// healed is told, and is no reason not to begin.
func healFirst(ctx context.Context, w io.Writer, out, substrate string, quiet bool) {
	found := healAll(ctx, out, map[string]catalog.SubstrateEntry{substrate: catalog.Substrates()[substrate]})
	for _, line := range found.done {
		if !quiet {
			fmt.Fprintln(w, "healed", reports.Plain(line))
		}
	}
	for _, err := range found.errs {
		if ctx.Err() != nil {
			break // there is no new run
		}
		fmt.Fprintln(w, "drillrun:", reports.PlainLines(err.Error()))
	}
}
