package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/internal/suggest"
	"github.com/drillrun/drillrun/reports"
	"github.com/drillrun/drillrun/scenarios"
)

const maxTrials = 10_000

type runOptions struct {
	system    string
	substrate string
	replicas  int
	seed      uint64
	trials    int
	out       string
	reports   []string
	timeout   time.Duration
	strict    bool
	json      bool
	quiet     bool
}

func newRun() *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run [SCENARIO…]",
		Short: "Drill: run scenarios and judge them",
		Long: `Runs scenarios and judges what was recorded. A SCENARIO is the name of a
built-in one, a set such as core, or the path of a file; without any, every
built-in scenario is run.`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if !cmd.Flags().Changed("seed") {
				o.seed = rand.Uint64N(1 << 32)
			}
			return o.run(cmd, names)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.system, "system", catalog.DefaultSystem, "the system to drill")
	f.StringVar(&o.substrate, "substrate", catalog.DefaultSubstrate, "where its replicas run")
	f.IntVar(&o.replicas, "replicas", 0, "replicas to start (default: as the scenario says)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of all that is random (default: drawn, printed and stored)")
	f.IntVar(&o.trials, "trials", 1, "run each scenario N times, each on a fresh system with a seed of its own")
	f.StringVar(&o.out, "out", "runs", "folder for the runs")
	f.StringArrayVar(&o.reports, "report", nil, "write a report: FORMAT=FILE with "+formats()+"; may be repeated")
	f.DurationVar(&o.timeout, "timeout", 0, "end each drill after this time; its verdict is then unknown")
	f.BoolVar(&o.strict, "strict", false, "a skipped scenario makes the verdict unknown")
	f.BoolVar(&o.json, "json", false, "print one JSON document instead of the table")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	return cmd
}

// run checks everything that can be wrong before anything starts.
func (o *runOptions) run(cmd *cobra.Command, names []string) error {
	scripts, err := catalog.Scripts(names)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	system, substrate, err := o.choose()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	outputs, err := parseReports(o.reports)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	ctx := cmd.Context()
	provider, err := substrate.Open(ctx)
	if err != nil {
		return &exitError{exitEnvironment, err}
	}
	p := newProgress(cmd.ErrOrStderr(), o.quiet)
	s := &series{options: o, system: system, provider: provider, progress: p, versions: versions()}
	document, err := s.all(ctx, scripts)
	p.close()
	err = errors.Join(err, provider.Close())
	return o.finish(cmd, document, outputs, err)
}

func (o *runOptions) choose() (drills.System, catalog.SubstrateEntry, error) {
	var none catalog.SubstrateEntry
	if o.trials < 1 || o.trials > maxTrials {
		return nil, none, fmt.Errorf("--trials %d: want a whole number from 1 to %d", o.trials, maxTrials)
	}
	if o.replicas < 0 || o.replicas > scenarios.MaxReplicas {
		return nil, none, fmt.Errorf("--replicas %d: want a whole number from 1 to %d", o.replicas, scenarios.MaxReplicas)
	}
	substrate, ok := catalog.Substrates()[o.substrate]
	if !ok {
		return nil, none, suggest.Unknown("substrate", o.substrate, slices.Collect(maps.Keys(catalog.Substrates())))
	}
	entry, ok := catalog.Systems()[o.system]
	if !ok {
		return nil, none, suggest.Unknown("system", o.system, slices.Collect(maps.Keys(catalog.Systems())))
	}
	system, err := entry.New()
	return system, substrate, err
}

// finish tells what was found, also after an interruption, and turns it into
// the exit code: 3, 4 and 130 win over 1, and 1 over 2.
func (o *runOptions) finish(cmd *cobra.Command, d reports.Document, outputs []output, err error) error {
	err = errors.Join(err, o.tell(cmd, d, outputs))
	var environment *runner.EnvironmentError
	switch {
	case cmd.Context().Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted: everything was healed and stopped; the partial run is kept")}
	case errors.As(err, &environment):
		return &exitError{exitEnvironment, err}
	case err != nil:
		return err
	case d.ExitCode() != exitPass:
		return &exitError{code: d.ExitCode()}
	}
	return nil
}

func (o *runOptions) tell(cmd *cobra.Command, d reports.Document, outputs []output) error {
	var errs []error
	for _, out := range outputs {
		errs = append(errs, out.save(d))
	}
	if o.json {
		return errors.Join(append(errs, reports.JSON(cmd.OutOrStdout(), d))...)
	}
	return errors.Join(append(errs, writeTable(cmd.OutOrStdout(), d))...)
}

// series is the drills of one command.
type series struct {
	options  *runOptions
	system   drills.System
	provider catalog.Provider
	progress *progress
	versions map[string]string
}

// all runs every scenario. After an error, the document holds what was run
// until then.
func (s *series) all(ctx context.Context, scripts []catalog.Script) (reports.Document, error) {
	s.progress.say("seed %d", s.options.seed)
	var runs []reports.Results
	var failed error
	for _, script := range scripts {
		result, err := s.trials(ctx, script)
		runs = append(runs, result)
		if err != nil {
			failed = err
			break
		}
	}
	return reports.NewDocument(runs, s.options.strict), failed
}

// trials runs one scenario as often as asked.
func (s *series) trials(ctx context.Context, script catalog.Script) (reports.Results, error) {
	for _, want := range script.Requires {
		if !s.system.Guarantees().Offers(want) {
			return reports.Inapplicable(script.Name, s.options.seed, s.system.Name()+" offers no "+want), nil
		}
	}
	var results []reports.Results
	for trial := 1; trial <= s.options.trials; trial++ {
		r, err := s.drill(ctx, script, trial)
		results = append(results, r)
		if err != nil {
			return reports.Merge(results), err
		}
	}
	return reports.Merge(results), nil
}

func (s *series) drill(ctx context.Context, script catalog.Script, trial int) (reports.Results, error) {
	o := s.options
	name, number := script.Name, 0
	if o.trials > 1 {
		name, number = fmt.Sprintf("%s %d/%d", script.Name, trial, o.trials), trial
	}
	seed := trialSeed(o.seed, trial)
	s.progress.begin(name)
	d := runner.Drill{
		Scenario: script.Scenario, System: s.system, Substrate: o.substrate, NewSubstrate: s.provider.New,
		Verbs: catalog.Verbs(), Faults: catalog.Faults(),
		Replicas: o.replicas, Seed: seed, Trial: number, Timeout: o.timeout, Out: o.out,
		Versions: s.versions, Progress: s.progress.at,
	}
	folder, err := d.Run(ctx)
	if folder == "" {
		return reports.Results{Schema: reports.Schema, Scenario: script.Name, Seed: seed, Why: []string{err.Error()}}, err
	}
	result, checkErr := catalog.Judge().Check(folder, o.repeat(script, seed))
	if checkErr == nil {
		checkErr = folder.Keep(result)
	}
	s.progress.say("%-28s %s", name, headline(result))
	return result, errors.Join(err, checkErr)
}

// trialSeed is the seed of a trial: the first has the given one, so that
// running that seed alone is the same drill.
func trialSeed(seed uint64, trial int) uint64 {
	if trial == 1 {
		return seed
	}
	return rand.New(rand.NewPCG(seed, uint64(trial))).Uint64N(1 << 32)
}

// repeat is the command that does a drill again.
func (o *runOptions) repeat(script catalog.Script, seed uint64) string {
	words := []string{"drillrun run", script.Ref, fmt.Sprintf("--seed %d", seed)}
	if o.system != catalog.DefaultSystem {
		words = append(words, "--system "+o.system)
	}
	if o.substrate != catalog.DefaultSubstrate {
		words = append(words, "--substrate "+o.substrate)
	}
	if o.replicas != 0 {
		words = append(words, fmt.Sprintf("--replicas %d", o.replicas))
	}
	return strings.Join(words, " ")
}

// headline is a drill's outcome in one line.
func headline(r reports.Results) string {
	var wrong []string
	for _, g := range r.Gates {
		if g.Verdict == gates.Fail || g.Verdict == gates.Unknown {
			wrong = append(wrong, g.Gate)
		}
	}
	text := r.Verdict.String()
	if len(wrong) > 0 {
		text += ": " + strings.Join(wrong, ", ")
	}
	return text
}

func versions() map[string]string {
	return map[string]string{"drillrun": buildVersion(), "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
}
