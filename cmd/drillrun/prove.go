package main

import (
	"context"
	"encoding/json"
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
	"github.com/drillrun/drillrun/internal/input"
	"github.com/drillrun/drillrun/prove"
	"github.com/drillrun/drillrun/reports"
)

// trackRecord is the format of docs/TRACK_RECORD.md.
const trackRecord = "track-record"

type proveOptions struct {
	run       runOptions // how each drill is run
	defects   []string
	scenarios []string
	bugs      []string // files
	budget    time.Duration
	onto      string // file with an earlier proof
	reports   []string
	json      bool
}

func newProve() *cobra.Command {
	o := &proveOptions{run: runOptions{system: catalog.DefaultSystem, substrate: catalog.DefaultSubstrate}}
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Hold the drills against known defects: the kill matrix",
		Long: `Holds every defect of the reference against the scenarios that should catch it,
the cheapest first, until the gate that names its symptom has failed in every
trial; and the sound reference against the same scenarios. With --bug, bugs that
releases of other systems had are held against their own drills instead: red with
the release that has it, green with the one that has it no more.

The exit code is 1 if a defect escapes or the sound reference is accused, and 2
if something stays unknown or was not run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("seed") {
				o.run.seed = rand.Uint64N(1 << 32)
			}
			return o.prove(cmd)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.defects, "defect", nil, "only this defect; may be repeated")
	f.StringArrayVar(&o.scenarios, "scenario", nil, "only this scenario; with --defect, whether or not it should catch that one; may be repeated")
	f.IntVar(&o.run.trials, "trials", 1, "drill each pair N times, with a seed of its own each time")
	f.StringArrayVar(&o.bugs, "bug", nil, "instead of defects, this bug of another system: a file; may be repeated")
	f.DurationVar(&o.budget, "budget", 0, "begin no drill after this time; what was not run is told")
	f.Uint64Var(&o.run.seed, "seed", 0, "seed of all that is random (default: drawn, printed and stored)")
	f.IntVar(&o.run.parallel, "parallel", 1, "try N defects at a time, as many as there are cores at most")
	f.BoolVar(&o.run.times, "parallel-times", false, "judge times although drills share the machine")
	f.StringVar(&o.run.out, "out", "runs", "folder for the runs")
	f.StringVar(&o.onto, "onto", "", "keep of an earlier proof, a report in the format json, what it says of the defects that are not proved now")
	f.StringArrayVar(&o.reports, "report", nil, "write a report: FORMAT=FILE with "+formats(matrixFormats())+", and - for standard output; may be repeated")
	f.BoolVar(&o.json, "json", false, "print one JSON document instead of the table")
	f.BoolVar(&o.run.quiet, "quiet", false, "no progress")
	return cmd
}

// matrixFormats are the formats of a matrix. The track record knows of what is
// still to be proved, too.
func matrixFormats() map[string]reports.MatrixWriter {
	all := reports.MatrixFormats()
	var open []reports.Awaited
	for _, d := range catalog.OpenDefects() {
		open = append(open, reports.Awaited(d))
	}
	all[trackRecord] = reports.TrackRecord(open, prove.FalseVerdicts)
	return all
}

// prove opens the reports, proves, and tells what was found.
func (o *proveOptions) prove(cmd *cobra.Command) error {
	chosen, err := o.choose()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	earlier, err := o.earlier()
	if err != nil {
		return &exitError{exitUsage, err}
	}
	outputs, err := openReports[reports.Matrix](o.reports, matrixFormats(), o.json, nil)
	defer func() { forget(outputs) }()
	if err != nil {
		return err
	}
	drill, end, err := o.prepare(cmd, chosen)
	if err != nil {
		return err
	}
	matrix, err := prove.Run(cmd.Context(), prove.Config{
		Defects: chosen, Trials: o.run.trials, Budget: o.budget, Parallel: o.run.parallel, Faultless: faultless(drill.scripts),
		Drill: drill.one, Tell: drill.progress.say,
	})
	matrix.Seed, matrix.Version = o.run.seed, buildVersion()
	err = errors.Join(err, end())
	if earlier != nil {
		matrix = prove.Onto(*earlier, matrix, defectNames(), digests(*earlier))
	}
	return o.finish(cmd, matrix, outputs, err)
}

// prover carries out the drills of a proof.
type prover struct {
	options  runOptions
	defects  []prove.Defect
	system   drills.System
	releases map[string]releases // by scenario
	scripts  map[string]catalog.Script
	entry    catalog.SubstrateEntry // of the substrate
	provider catalog.Provider
	progress *progress
}

// prepare checks everything that can be wrong, and opens what the drills need.
func (o *proveOptions) prepare(cmd *cobra.Command, chosen []prove.Defect) (p *prover, end func() error, err error) {
	if p, err = o.check(cmd, chosen); err != nil {
		return nil, nil, &exitError{exitUsage, err}
	}
	ctx := cmd.Context()
	if err := begin(ctx); err != nil {
		return nil, nil, err
	}
	healFirst(ctx, cmd.ErrOrStderr(), o.run.out, catalog.DefaultSubstrate, o.run.quiet)
	if p.provider, err = p.entry.Open(ctx, catalog.Images{}); err != nil {
		return nil, nil, &exitError{exitEnvironment, err}
	}
	p.progress = newProgress(cmd.ErrOrStderr(), o.run.quiet, o.run.parallel)
	p.progress.say("seed %d", o.run.seed)
	return p, func() error {
		p.progress.close()
		return p.provider.Close()
	}, nil
}

func (o *proveOptions) check(cmd *cobra.Command, chosen []prove.Defect) (*prover, error) {
	system, substrate, err := o.run.choose()
	if err != nil {
		return nil, err
	}
	if cmd.Flags().Changed("budget") && o.budget <= 0 {
		return nil, fmt.Errorf("--budget %v: want a time above 0, such as 5h", o.budget)
	}
	found, err := findReleases(chosen)
	if err != nil {
		return nil, err
	}
	loaded, err := load(chosen, system, found)
	if err != nil {
		return nil, err
	}
	if err := canAccuse(chosen, loaded); err != nil {
		return nil, err
	}
	if err := o.run.share(inOrder(loaded), runtime.GOMAXPROCS(0)); err != nil {
		return nil, err
	}
	return &prover{options: o.run, defects: chosen, system: system, releases: found, scripts: loaded, entry: substrate}, nil
}

// one carries out one drill.
func (p *prover) one(ctx context.Context, d prove.Drill) (reports.Results, error) {
	run, drilled := p.options, p.system
	run.defect = d.Defect
	if of, found := p.releases[d.Scenario]; found {
		run.defect, run.system, drilled = "", of.name(d), of.system(d)
	}
	s := &series{options: &run, label: d.Defect, system: drilled, entry: p.entry, provider: p.provider, progress: p.progress, versions: versions()}
	if d.Faultless {
		return s.faultless(ctx, p.scripts[d.Scenario], gateOf(p.defects, d.Defect))
	}
	return s.one(ctx, p.scripts[d.Scenario], d.Trial)
}

// earlier is the proof to put this one on top of; nil for none.
func (o *proveOptions) earlier() (*reports.Matrix, error) {
	if o.onto == "" {
		return nil, nil
	}
	text, err := input.Read(o.onto, input.MaxReport)
	if err != nil {
		return nil, fmt.Errorf("read the earlier proof: %w", err)
	}
	var m reports.Matrix
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("%s is not a proof that \"drillrun prove --report json=FILE\" wrote: %w", o.onto, err)
	}
	if m.Schema != reports.Schema {
		return nil, fmt.Errorf("%s has schema %d: this drillrun reads %d", o.onto, m.Schema, reports.Schema)
	}
	return &m, nil
}

// digests are those of the scenarios of a proof as they are today. One that cannot be
// read has none.
func digests(m reports.Matrix) map[string]string {
	attempts := slices.Clone(m.Sound)
	for _, p := range m.Defects {
		attempts = append(attempts, p.Attempts...)
	}
	by := map[string]string{}
	for _, a := range attempts {
		if scripts, err := catalog.Scripts([]string{a.Scenario}); err == nil && len(scripts) == 1 {
			by[a.Scenario] = drills.Digest(scripts[0].Source)
		}
	}
	return by
}

// defectNames are those of all defects, in the order of their catalogue.
func defectNames() (names []string) {
	for _, d := range catalog.Defects() {
		names = append(names, d.Name)
	}
	return names
}

// choose are the defects to prove, each with its scenarios.
func (o *proveOptions) choose() ([]prove.Defect, error) {
	for _, r := range o.reports {
		if strings.HasPrefix(r, trackRecord+"=") && len(o.defects)+len(o.scenarios)+len(o.bugs) > 0 && o.onto == "" {
			return nil, errors.New("the track record is one of all defects: leave out --defect, --scenario and --bug, or put this proof --onto an earlier one")
		}
	}
	if len(o.bugs) > 0 {
		return o.readBugs()
	}
	chosen, err := o.named()
	if err != nil || len(o.scenarios) == 0 {
		return chosen, err
	}
	named, err := catalog.Scripts(o.scenarios)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, s := range named {
		refs = append(refs, s.Ref)
	}
	if len(o.defects) == 0 {
		chosen = prove.Within(chosen, refs)
	}
	if len(chosen) == 0 {
		return nil, errors.New("no defect names a scenario that was asked for: say with --defect which one to try")
	}
	for i := range chosen {
		if len(o.defects) > 0 {
			chosen[i].Scenarios = refs
		}
	}
	return chosen, nil
}

// named are the defects that were asked for, each once, or all.
func (o *proveOptions) named() ([]prove.Defect, error) {
	var errs []error
	for _, name := range o.defects {
		_, err := catalog.Defect(name)
		errs = append(errs, err)
	}
	var chosen []prove.Defect
	for _, d := range catalog.Defects() {
		if len(o.defects) > 0 && !slices.Contains(o.defects, d.Name) {
			continue
		}
		chosen = append(chosen, prove.Defect{
			Name: d.Name, Wrong: d.Wrong, Origin: d.Origin, Symptom: d.Symptom, Gate: d.Gate,
			Scenarios: slices.Clone(d.Scenarios), ShowsInCalm: d.ShowsInCalm,
		})
	}
	return chosen, errors.Join(errs...)
}

// inOrder are the scripts by name.
func inOrder(scripts map[string]catalog.Script) (list []catalog.Script) {
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		list = append(list, scripts[name])
	}
	return list
}

// load reads the scenarios of all defects, by the name that these use. Each is held
// against the system that it drills.
func load(all []prove.Defect, system drills.System, releases map[string]releases) (map[string]catalog.Script, error) {
	byName := map[string]catalog.Script{}
	var errs []error
	for _, d := range all {
		for _, name := range d.Scenarios {
			if _, read := byName[name]; read {
				continue
			}
			drilled := []drills.System{system}
			if of, found := releases[name]; found {
				drilled = []drills.System{of.with, of.without}
			}
			loaded, err := catalog.ScriptsFor([]string{name}, 0, drilled...)
			errs = append(errs, err)
			for _, s := range loaded {
				byName[name] = s
			}
		}
	}
	return byName, errors.Join(errs...)
}

func (o *proveOptions) finish(cmd *cobra.Command, m reports.Matrix, outputs []*output[reports.Matrix], err error) error {
	stdout := cmd.OutOrStdout()
	write := terminal(stdout).WriteMatrix
	if o.json {
		write = reports.MatrixJSON
	}
	return conclude(cmd, m.ExitCode(), errors.Join(err, tell(stdout, m, write, outputs)), true)
}
