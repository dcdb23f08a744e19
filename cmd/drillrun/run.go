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
	defect    string // of the system; empty for the sound one
	substrate string
	images    catalog.Images
	replicas  int
	seed      uint64
	trials    int
	parallel  int
	times     bool // judge times although drills share the machine
	out       string
	reports   []string
	signKey   string          // file
	signer    *runner.SignKey // what it holds
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
	f.StringVar(&o.system, "system", catalog.DefaultSystem, "the system to drill: a name, or the path of a manifest such as ./system.yaml")
	f.StringVar(&o.defect, "defect", "", "build every replica with this defect (see: drillrun list defects)")
	f.StringVar(&o.substrate, "substrate", catalog.DefaultSubstrate, "where its replicas run")
	f.StringVar(&o.images.Postgres, "postgres-image", "", "image of Postgres, where it runs in a container (default: postgres:17-alpine, or drillrun/postgres)")
	f.StringVar(&o.images.Redis, "redis-image", "", "image of Redis, where it runs in a container (default: redis:7-alpine, or drillrun/redis)")
	f.IntVar(&o.replicas, "replicas", 0, "replicas to start (default: as the scenario says)")
	f.Uint64Var(&o.seed, "seed", 0, "seed of all that is random (default: drawn, printed and stored)")
	f.IntVar(&o.trials, "trials", 1, "run each scenario N times, each on a fresh system with a seed of its own")
	f.IntVar(&o.parallel, "parallel", 1, "run N drills at a time, as many as there are cores at most")
	f.BoolVar(&o.times, "parallel-times", false, "judge times although drills share the machine")
	f.StringVar(&o.out, "out", "runs", "folder for the runs")
	f.StringArrayVar(&o.reports, "report", nil, "write a report: FORMAT=FILE with "+formats(reports.Formats())+", and - for standard output; may be repeated; the file of GITHUB_STEP_SUMMARY is appended to")
	f.StringVar(&o.signKey, "sign-key", "", "sign each sealed history with this Ed25519 private key of SSH: a file (see: drillrun check --verify-key)")
	f.DurationVar(&o.timeout, "timeout", 0, "end each drill after this time; its verdict is then unknown")
	f.BoolVar(&o.strict, "strict", false, "a skipped scenario makes the verdict unknown")
	f.BoolVar(&o.json, "json", false, "print one JSON document instead of the table")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	return cmd
}

// run opens the reports, drills, and tells what was found. Whatever keeps it from
// drilling is in the reports, too.
func (o *runOptions) run(cmd *cobra.Command, names []string) error {
	unfinished := reports.NewDocument(nil, false).Broken(exitCrash, "drillrun has not ended: it was killed, it crashed, or it still runs")
	outputs, err := openReports(o.reports, reports.Formats(), o.json, &unfinished, append(slices.Clone(names), o.system)...)
	d := reports.NewDocument(nil, o.strict)
	if err == nil {
		d, err = o.drill(cmd, names, d)
	}
	return o.finish(cmd, d, outputs, err)
}

// drill checks everything that can be wrong before anything starts.
func (o *runOptions) drill(cmd *cobra.Command, names []string, empty reports.Document) (reports.Document, error) {
	system, substrate, err := o.choose()
	if err == nil {
		err = o.limit(cmd)
	}
	if err != nil {
		return empty, &exitError{exitUsage, err}
	}
	all, err := catalog.ScriptsFor(names, o.replicas, system)
	if err == nil {
		err = o.share(all, runtime.GOMAXPROCS(0))
	}
	if err != nil {
		return empty, &exitError{exitUsage, err}
	}
	if o.signKey != "" {
		if o.signer, err = runner.ReadSignKey(o.signKey); err != nil {
			return empty, &exitError{exitUsage, err}
		}
	}
	ctx := cmd.Context()
	if err := begin(ctx); err != nil {
		return empty, err
	}
	healFirst(ctx, cmd.ErrOrStderr(), o.out, o.substrate, o.quiet)
	provider, err := substrate.Open(ctx, o.images)
	if err != nil {
		return empty, &exitError{exitEnvironment, err}
	}
	p := newProgress(cmd.ErrOrStderr(), o.quiet, o.parallel)
	s := &series{options: o, asked: names, label: o.defect, system: system, entry: substrate, provider: provider, progress: p, versions: versions()}
	document, err := s.all(ctx, all)
	p.close()
	return document, errors.Join(err, provider.Close())
}

// limit checks --timeout: nothing ends after no time, or before it began.
func (o *runOptions) limit(cmd *cobra.Command) error {
	if cmd.Flags().Changed("timeout") && o.timeout <= 0 {
		return fmt.Errorf("--timeout %v: want a time above 0, such as 5m", o.timeout)
	}
	return nil
}

// share checks that drills may go on at the same time. They disturb each other's
// times, so that gates on times are judged only where that was asked for.
func (o *runOptions) share(scripts []catalog.Script, cores int) error {
	if o.parallel < 1 || o.parallel > cores {
		return fmt.Errorf("--parallel %d: want a whole number from 1 to %d, the cores there are for drillrun", o.parallel, cores)
	}
	if o.parallel == 1 || o.times {
		return nil
	}
	var lists strings.Builder
	for _, s := range scripts {
		if lines := timed(s); len(lines) > 0 {
			fmt.Fprintf(&lists, "\n  %s: %s", s.Name, strings.Join(lines, ", "))
		}
	}
	if lists.Len() == 0 {
		return nil
	}
	return fmt.Errorf("--parallel %d: drills that share the machine disturb each other's times; "+
		"add --parallel-times to judge them all the same, or leave out the gates on times:%s", o.parallel, &lists)
}

// timed are the gates of a script that judge times.
func timed(script catalog.Script) (lines []string) {
	for _, g := range script.Gates {
		if g.Metric.Unit == gates.Duration && g.Aggregate != "n" {
			lines = append(lines, g.Text)
		}
	}
	return lines
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
	if o.images != (catalog.Images{}) && !substrate.HasImages {
		return nil, none, fmt.Errorf("--postgres-image and --redis-image: %s runs no containers; want --substrate docker", o.substrate)
	}
	if err := o.checkDefect(); err != nil {
		return nil, none, err
	}
	system, err := catalog.System(o.system)
	return system, substrate, err
}

// checkDefect refuses a defect that would be drilled as if it were sound.
func (o *runOptions) checkDefect() error {
	switch {
	case o.defect == "":
		return nil
	case o.system != catalog.DefaultSystem:
		return fmt.Errorf("--defect %s: only the system %s has defects", o.defect, catalog.DefaultSystem)
	}
	_, err := catalog.Defect(o.defect)
	return err
}

// finish tells what was found, also after an interruption, and turns it into
// the exit code: 3, 4 and 130 win over 1, and 1 over 2.
func (o *runOptions) finish(cmd *cobra.Command, d reports.Document, outputs []*output[reports.Document], err error) error {
	write := writeTable
	if o.json {
		write = reports.JSON
	}
	if ended := conclude(cmd, exitPass, err, len(d.Runs) > 0); ended != nil {
		var exit *exitError
		errors.As(ended, &exit)
		d = d.Broken(exit.code, exit.Error())
	}
	err = errors.Join(err, tell(cmd.OutOrStdout(), d, write, outputs))
	return conclude(cmd, d.ExitCode(), err, len(d.Runs) > 0)
}

// conclude is how a command ends that has told what it found: with that exit
// code, unless something else went wrong. Its error is an *exitError.
func conclude(cmd *cobra.Command, code int, err error, drilled bool) error {
	var exit *exitError
	known := errors.As(err, &exit)
	switch interrupted := context.Cause(cmd.Context()); {
	case known && exit.code == exitCrash:
		return &exitError{exitCrash, err}
	case interrupted != nil && drilled:
		return &exitError{exitInterrupted, fmt.Errorf("%w: everything was healed and stopped; the partial run is kept", interrupted)}
	case interrupted != nil:
		return &exitError{exitInterrupted, fmt.Errorf("%w: nothing was drilled", interrupted)}
	case known:
		return &exitError{exit.code, err}
	case err != nil:
		return &exitError{exitEnvironment, err}
	case code != exitPass:
		return &exitError{code: code}
	}
	return nil
}

func versions() map[string]string {
	return map[string]string{"drillrun": buildVersion(), "go": runtime.Version(), "os": runtime.GOOS + "/" + runtime.GOARCH}
}
