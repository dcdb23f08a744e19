package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/catalog"
	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/runner"
	"github.com/drillrun/drillrun/gates"
	"github.com/drillrun/drillrun/reference/adapter"
	"github.com/drillrun/drillrun/reports"
)

// series is the drills of one command.
type series struct {
	options  *runOptions
	asked    []string // the names on the command line; none for all there is
	label    string   // tells its drills from those of other series; may be empty
	system   drills.System
	entry    catalog.SubstrateEntry // of the substrate
	provider catalog.Provider
	progress *progress
	versions map[string]string
}

// trial is one drill of a series.
type trial struct {
	script catalog.Script
	number int              // from 1
	result *reports.Results // nil where it was not begun
}

// all runs every scenario, each as often as asked. After an error, the document
// holds what was run until then.
func (s *series) all(ctx context.Context, scripts []catalog.Script) (reports.Document, error) {
	s.progress.say("seed %d", s.options.seed)
	planned := make([][]trial, len(scripts))
	for i, script := range scripts {
		for n := range s.options.trials {
			planned[i] = append(planned[i], trial{script: script, number: n + 1})
		}
	}
	err := s.run(ctx, planned)
	var runs []reports.Results
	for _, trials := range planned {
		if results := begun(trials); len(results) > 0 {
			runs = append(runs, reports.Merge(results))
		}
	}
	ask(runs, s.asked, scripts)
	return reports.NewDocument(runs, s.options.strict), err
}

// begun are the results of the trials that were begun.
func begun(trials []trial) (results []reports.Results) {
	for _, t := range trials {
		if t.result != nil {
			results = append(results, *t.result)
		}
	}
	return results
}

// run carries out the trials in their order, so many at a time. After the first
// error no other is begun, and those under way are carried to their ends.
func (s *series) run(ctx context.Context, planned [][]trial) error {
	drills, begin := errgroup.WithContext(ctx)
	drills.SetLimit(s.options.parallel)
	for _, trials := range planned {
		for i := range trials {
			drills.Go(func() error {
				if begin.Err() != nil {
					return nil
				}
				return s.attempt(ctx, &trials[i])
			})
		}
	}
	return drills.Wait()
}

// one carries out a single trial of a scenario.
func (s *series) one(ctx context.Context, script catalog.Script, number int) (reports.Results, error) {
	t := trial{script: script, number: number}
	if err := s.attempt(ctx, &t); err != nil {
		return reports.Results{}, err
	}
	return *t.result, nil
}

// attempt carries out one trial. A panic would end the program with the status
// of an unknown verdict, and the other drills unhealed: it becomes an error.
func (s *series) attempt(ctx context.Context, t *trial) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &exitError{exitCrash, fmt.Errorf("crashed in a drill of %s: %v\n%s", t.script.Name, r, debug.Stack())}
		}
	}()
	result, err := s.drill(ctx, t)
	t.result = &result
	return err
}

func (s *series) drill(ctx context.Context, t *trial) (reports.Results, error) {
	o, script := s.options, t.script
	seed := trialSeed(o.seed, t.number)
	options := s.systemOptions(script)
	if why := script.Inapplicable(s.system, options); why != "" {
		return reports.Inapplicable(script.Name, seed, why), nil
	}
	if lacking := s.entry.Lacking(script); len(lacking) > 0 {
		why := fmt.Sprintf("%s lacks the fault %s: %s", o.substrate, lacking[0], s.entry.Lacks[lacking[0]])
		s.progress.say("%-28s skipped: %s", script.Name, why)
		return reports.Skip(script.Name, seed, why), nil
	}
	name, number := script.Name, 0
	if s.label != "" {
		name = s.label + ", " + name
	}
	if o.trials > 1 {
		name, number = fmt.Sprintf("%s %d/%d", name, t.number, o.trials), t.number
	}
	lane := s.progress.begin(name)
	defer lane.end()
	d := runner.Drill{
		Scenario: script.Scenario, System: s.system, Substrate: o.substrate, NewSubstrate: s.provider.New,
		Verbs: catalog.Verbs(), Faults: catalog.Faults(), Aborts: script.Aborts,
		Options: options, Replicas: o.replicas, Seed: seed, Trial: number, Timeout: o.timeout, Out: o.out, SignKey: o.signer,
		Versions: s.versions, Arguments: o.kept(seed), Progress: lane.at,
	}
	folder, err := d.Run(ctx)
	if folder == "" {
		return reports.Results{Schema: reports.Schema, Scenario: script.Name, Seed: seed, Why: []string{err.Error()}}, err
	}
	result, checkErr := judge(ctx, err, folder, o.repeat(script, seed))
	locate(&result, script)
	if checkErr == nil {
		checkErr = folder.Keep(result)
	}
	if err := folder.HandOver(); err != nil {
		s.progress.say("%v", err) // whoever called sudo cannot read it; root can
	}
	s.progress.say("%-28s %s", name, headline(result))
	return result, errors.Join(err, checkErr)
}

// judge draws the verdict. What an interrupted drill has recorded is judged all the
// same; it is little, and a second signal ends everything.
func judge(ctx context.Context, drilled error, folder runner.Folder, repeat string) (reports.Results, error) {
	if drilled != nil {
		ctx = context.WithoutCancel(ctx)
	}
	return catalog.Judge().Check(ctx, folder, repeat)
}

// locate says where the gates are written, so that annotations can point there.
// A built-in scenario has no file that anybody could open.
func locate(r *reports.Results, script catalog.Script) {
	if script.Ref != script.Name {
		r.File = inRepository(script.Ref)
	}
	for i := range r.Gates {
		r.Gates[i].Line = script.Scenario.Gates[i].Line
	}
}

// trialSeed is the seed of a trial: the first has the given one, so that
// running that seed alone is the same drill.
func trialSeed(seed uint64, trial int) uint64 {
	if trial == 1 {
		return seed
	}
	return rand.New(rand.NewPCG(seed, uint64(trial))).Uint64N(1 << 32)
}

// systemOptions are the settings that the system is started with.
func (s *series) systemOptions(script catalog.Script) map[string]string {
	options := maps.Clone(script.Options)
	if s.options.defect != "" {
		if options == nil {
			options = map[string]string{}
		}
		options[adapter.DefectOption] = s.options.defect
	}
	return options
}

// inRepository is a path from the root of the repository, where GitHub and others
// look for it whatever folder a step works in.
func inRepository(path string) string {
	root := os.Getenv("GITHUB_WORKSPACE")
	file := whole(path)
	for dir := filepath.Dir(file); root == ""; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			root = dir
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	if rel, err := filepath.Rel(whole(root), file); err == nil && root != "" && filepath.IsLocal(rel) {
		path = rel
	}
	return filepath.ToSlash(filepath.Clean(path))
}

// headline is a drill's outcome in one line, and what made it unknown if no gate
// alone did: CI logs keep this line where they keep no run folder.
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
	if len(r.Why) > 0 {
		text += "; " + oneLine.Replace(r.Why[0])
	}
	return text
}

// oneLine joins the lines of what went wrong: progress has one for each drill.
var oneLine = strings.NewReplacer("\r", "", "\n", "; ")
