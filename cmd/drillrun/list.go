package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reports"
	"github.com/drillrun/drillrun/scenarios"
)

// lists are what can be listed, by name.
var lists = map[string]func(io.Writer) error{
	"defects":    listDefects,
	"scenarios":  listScenarios,
	"verbs":      listVerbs,
	"faults":     listFaults,
	"gates":      listGates,
	"systems":    listSystems,
	"substrates": listSubstrates,
}

func newList() *cobra.Command {
	names := slices.Sorted(maps.Keys(lists))
	return &cobra.Command{
		Use:       "list " + strings.Join(names, "|"),
		Short:     "Say what there is, with its documentation",
		Args:      cobra.ExactArgs(1),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			list, ok := lists[args[0]]
			if !ok {
				return &exitError{exitUsage, suggest.Unknown("list", args[0], names)}
			}
			return list(cmd.OutOrStdout())
		},
	}
}

func listScenarios(w io.Writer) error {
	scripts, err := catalog.Scripts(nil)
	if err != nil {
		return err
	}
	return table(w, func(row func(string, string)) {
		for _, s := range scripts {
			row(s.Name, s.Summary+skippedOn(s))
		}
		for set, members := range catalog.Sets() {
			row(set, "the set of "+strings.Join(members, ", "))
		}
	})
}

// skippedOn says where a scenario is skipped, and for want of what.
func skippedOn(s catalog.Script) (text string) {
	for _, name := range slices.Sorted(maps.Keys(catalog.Substrates())) {
		if lacking := catalog.Substrates()[name].Lacking(s); len(lacking) > 0 {
			text += fmt.Sprintf(" (not on %s, which lacks %s)", name, strings.Join(lacking, ", "))
		}
	}
	return text
}

func listVerbs(w io.Writer) error {
	specs := []drills.VerbSpec{
		{Usage: "replicas N", Summary: fmt.Sprintf("start N replicas, by default %d; stands before the first step", scenarios.DefaultReplicas)},
		{Usage: "requires " + strings.Join(drills.Capabilities(), "|"), Summary: "not applicable to a system that does not offer it"},
		{Usage: "system NAME=VALUE…", Summary: "set the system up so; not applicable to one that has no such option; stands before the first step"},
		{Usage: "abort when METRIC > VALUE", Summary: "end the drill early, healed, once the history proves that; stands before the first step"},
		{Usage: "repeat N … end", Summary: "take the steps between N times; each fault gives a sample of its own"},
	}
	for _, name := range slices.Sorted(maps.Keys(catalog.Verbs())) {
		specs = append(specs, catalog.Verbs()[name].VerbSpec)
	}
	return documented(w, specs)
}

func listFaults(w io.Writer) error {
	var specs []drills.VerbSpec
	for _, name := range slices.Sorted(maps.Keys(catalog.Faults())) {
		specs = append(specs, catalog.Faults()[name].VerbSpec)
	}
	return documented(w, specs)
}

func listGates(w io.Writer) error {
	for _, m := range catalog.Metrics() {
		if err := entry(w, fmt.Sprintf("%s (%s)", m.Name, m.Unit), m.Summary, m.Doc, "Needs: "+m.Needs); err != nil {
			return err
		}
	}
	return nil
}

func listDefects(w io.Writer) error {
	for _, d := range catalog.Defects() {
		caught := fmt.Sprintf("Caught by: %s in %s", d.Gate, strings.Join(d.Scenarios, ", "))
		if err := entry(w, d.Name, "Wrong: "+d.Wrong+".", "Found in: "+d.Origin+".", "Symptom: "+d.Symptom+".", caught+"."); err != nil {
			return err
		}
	}
	return nil
}

func listSystems(w io.Writer) error {
	return table(w, func(row func(string, string)) {
		all := catalog.Systems()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			row(name, all[name].Summary)
		}
		row("./system.yaml", "any other, in any language, by its manifest: docs/guides/plug-in-a-system.md")
	})
}

func listSubstrates(w io.Writer) error {
	return table(w, func(row func(string, string)) {
		for _, name := range slices.Sorted(maps.Keys(catalog.Substrates())) {
			row(name, catalog.Substrates()[name].Summary)
		}
	})
}

func documented(w io.Writer, specs []drills.VerbSpec) error {
	for _, s := range specs {
		if err := entry(w, s.Usage, s.Summary, s.Doc); err != nil {
			return err
		}
	}
	return nil
}

// entry prints a heading and its indented texts, wrapped for a terminal.
func entry(w io.Writer, heading string, texts ...string) error {
	var b strings.Builder
	b.WriteString(heading + "\n")
	for _, text := range texts {
		for _, line := range wrap(text, 76) {
			b.WriteString("    " + line + "\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

func table(w io.Writer, fill func(row func(name, text string))) error {
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	var failed error
	fill(func(name, text string) {
		if _, err := fmt.Fprintf(tw, "%s\t%s\n", reports.Plain(name), reports.Plain(text)); err != nil && failed == nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	return tw.Flush()
}
