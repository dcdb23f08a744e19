package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/reports"
)

type compareOptions struct {
	run     runOptions // how each drill is run
	systems []string
	reports []string
	json    bool
}

func newCompare() *cobra.Command {
	o := &compareOptions{run: runOptions{parallel: 1}}
	cmd := &cobra.Command{
		Use:   "compare SCENARIO… --systems A,B",
		Short: "Drill several systems in the same scenarios: a league table",
		Long: `Drills each system in the same scenarios with the same seeds, one drill at a
time and the systems in turn, so that a slow minute hits all of them. What a
system does not promise is n/a, and what is not known is no number.

The exit codes are those of run: 1 if a gate failed with any system, 2 if
something stays unknown.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			if !cmd.Flags().Changed("seed") {
				o.run.seed = rand.Uint64N(1 << 32)
			}
			return o.compare(cmd, names)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.systems, "systems", nil, "the systems to drill: names, or paths of manifests such as ./system.yaml")
	f.StringVar(&o.run.substrate, "substrate", catalog.DefaultSubstrate, "where their replicas run")
	f.Uint64Var(&o.run.seed, "seed", 0, "seed of all that is random (default: drawn, printed and stored)")
	f.IntVar(&o.run.trials, "trials", 1, "drill each scenario with each system N times, with a seed of its own each time")
	f.StringVar(&o.run.out, "out", "runs", "folder for the runs")
	f.StringArrayVar(&o.reports, "report", nil, "write a report: FORMAT=FILE with "+formats(reports.LeagueFormats())+", and - for standard output; may be repeated")
	f.DurationVar(&o.run.timeout, "timeout", 0, "end each drill after this time; its verdict is then unknown")
	f.BoolVar(&o.json, "json", false, "print one JSON document instead of the table")
	f.BoolVar(&o.run.quiet, "quiet", false, "no progress")
	return cmd
}

// compare opens the reports, drills, and tells what was found.
func (o *compareOptions) compare(cmd *cobra.Command, names []string) error {
	outputs, err := openReports[reports.League](o.reports, reports.LeagueFormats(), o.json, nil, slices.Concat(names, o.systems)...)
	if err != nil {
		forget(outputs)
		return err
	}
	league, err := o.drill(cmd, names)
	return o.finish(cmd, league, outputs, err)
}

// drill checks everything that can be wrong before anything starts.
func (o *compareOptions) drill(cmd *cobra.Command, names []string) (none reports.League, err error) {
	systems, substrate, err := o.choose()
	if err == nil {
		err = o.run.limit(cmd)
	}
	if err != nil {
		return none, &exitError{exitUsage, err}
	}
	all, err := catalog.ScriptsFor(names, 0, systems...)
	if err != nil {
		return none, &exitError{exitUsage, err}
	}
	ctx := cmd.Context()
	if err := begin(ctx); err != nil {
		return none, err
	}
	healFirst(ctx, cmd.ErrOrStderr(), o.run.out, o.run.substrate, o.run.quiet)
	provider, err := substrate.Open(ctx, catalog.Images{})
	if err != nil {
		return none, &exitError{exitEnvironment, err}
	}
	conditions := o.conditions(names, systems)
	p := newProgress(cmd.ErrOrStderr(), o.run.quiet, o.run.parallel)
	p.say("seed %d", o.run.seed)
	var each []*series
	for i, system := range systems {
		run := o.run
		run.system = o.systems[i]
		each = append(each, &series{
			options: &run, label: system.Name(), system: system, entry: substrate, provider: provider, progress: p, versions: versions(),
		})
	}
	standings, err := drillInTurn(ctx, each, all)
	p.close()
	askStandings(standings, names, all)
	return reports.NewLeague(conditions, standings), errors.Join(err, provider.Close())
}

// askStandings marks what was asked for by name, and was drilled with no system.
func askStandings(standings []reports.Standing, names []string, all []catalog.Script) {
	var runs []reports.Results
	for _, s := range standings {
		runs = append(runs, s.Result)
	}
	ask(runs, names, all)
	for i := range standings {
		standings[i].Result = runs[i]
	}
}

// choose are the systems. Their names tell their rows apart.
func (o *compareOptions) choose() (systems []drills.System, substrate catalog.SubstrateEntry, err error) {
	if len(o.systems) < 2 {
		return nil, substrate, errors.New("--systems: want two or more to compare, such as reference,./system.yaml")
	}
	named := map[string]string{}
	for _, from := range o.systems {
		run := o.run
		run.system = from
		system, entry, err := run.choose()
		if err != nil {
			return nil, substrate, err
		}
		name := system.Name()
		if other, taken := named[name]; taken {
			return nil, substrate, fmt.Errorf("--systems: %s and %s are both named %s", other, from, name)
		}
		named[name], substrate = from, entry
		systems = append(systems, system)
	}
	return systems, substrate, nil
}

// drillInTurn drills each scenario with all systems, trial by trial. Another one
// begins each time, so that none always follows the same. After an error,
// the standings are those of what was run until then.
func drillInTurn(ctx context.Context, systems []*series, scripts []catalog.Script) (standings []reports.Standing, err error) {
	for _, script := range scripts {
		trials := make([][]trial, len(systems))
		for n := 0; err == nil && n < systems[0].options.trials; n++ {
			for i := 0; err == nil && i < len(systems); i++ {
				at := (n + i) % len(systems)
				t := trial{script: script, number: n + 1}
				err = systems[at].attempt(ctx, &t)
				trials[at] = append(trials[at], t)
			}
		}
		for i, s := range systems {
			if results := begun(trials[i]); len(results) > 0 {
				standings = append(standings, reports.Standing{System: s.system.Name(), Result: reports.Merge(results)})
			}
		}
	}
	return standings, err
}

// conditions are those under which the systems are drilled.
func (o *compareOptions) conditions(names []string, systems []drills.System) reports.Conditions {
	c := reports.Conditions{
		Command: o.command(names), Started: time.Now().UTC(), Seed: o.run.seed, Trials: o.run.trials,
		Substrate: o.run.substrate, Cores: runtime.NumCPU(), Versions: versions(),
	}
	for i, s := range systems {
		c.Systems = append(c.Systems, reports.Entrant{Name: s.Name(), Version: versionOf(s), From: o.systems[i], Promises: promises(s.Guarantees())})
	}
	return c
}

// command is what compares them again.
func (o *compareOptions) command(names []string) string {
	words := append(slices.Clone(names), "--systems", strings.Join(o.systems, ","),
		"--trials", strconv.Itoa(o.run.trials), "--seed", strconv.FormatUint(o.run.seed, 10))
	if o.run.substrate != catalog.DefaultSubstrate {
		words = append(words, "--substrate", o.run.substrate)
	}
	if o.run.timeout != 0 {
		words = append(words, "--timeout", o.run.timeout.String())
	}
	return commandLine("compare", words...)
}

func (o *compareOptions) finish(cmd *cobra.Command, l reports.League, outputs []*output[reports.League], err error) error {
	defer forget(outputs)
	stdout := cmd.OutOrStdout()
	write := terminal(stdout).WriteLeague
	if o.json {
		write = reports.LeagueJSON
	}
	drilled := len(l.Standings) > 0
	if drilled || err == nil {
		err = errors.Join(err, tell(stdout, l, write, outputs))
	}
	return conclude(cmd, l.ExitCode(), err, drilled)
}

// versionOf is what a system says of its version, empty where it does not.
func versionOf(s drills.System) string {
	if v, ok := s.(drills.Versioned); ok {
		return v.Version()
	}
	return ""
}

// promises are what a system says of itself, in words.
func promises(g drills.Guarantees) (words []string) {
	for _, capability := range drills.Capabilities() {
		if g.Offers(capability) {
			words = append(words, capability)
		}
	}
	if g.Effects != "" {
		words = append(words, "effects "+string(g.Effects))
	}
	return append(words, g.Means...)
}
