package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/drills/witness"
	"github.com/drillrun/drillrun/gates"
)

// closeDeadline bounds the end of a drill: stopping every process, sealing.
const closeDeadline = 30 * time.Second

// defaultSettle is assumed of a system that does not tell its own.
const defaultSettle = 5 * time.Second

// EnvironmentError says that a drill could not be started.
type EnvironmentError struct{ Err error }

func (e *EnvironmentError) Error() string { return "start the drill: " + e.Err.Error() }

func (e *EnvironmentError) Unwrap() error { return e.Err }

// Drill is all that one drill needs.
type Drill struct {
	Scenario     *drills.Scenario
	System       drills.System
	Substrate    string // its name
	NewSubstrate func(ctx context.Context, logs string) (drills.Substrate, error)
	Verbs        map[string]engine.Verb
	Faults       map[string]drills.FaultSpec
	Options      map[string]string // the system's own settings; the record shows them
	Aborts       []gates.Gate      // the conditions on which it is aborted
	Replicas     int               // 0: as the scenario says
	Seed         uint64
	Trial        int               // 1, 2, …; 0 for a single drill
	Timeout      time.Duration     // of the script; 0 for none
	Out          string            // where run folders go
	SignKey      *SignKey          // by which the sealed history is signed; nil for none
	Versions     map[string]string // for the record
	Arguments    []string          // of the command that runs it again, beside the scenario: for the record
	Progress     func(what string) // may be nil
}

// Run carries out the drill and seals its history. The folder is returned as
// soon as there is one, with an error too: an *EnvironmentError where nothing
// could be drilled, the context's where the drill was interrupted. A script
// that was not followed is no error here; the history says so.
func (d Drill) Run(ctx context.Context) (Folder, error) {
	folder, err := createFolder(d.Out, d.Scenario.Name, d.Seed)
	if err != nil {
		return "", &EnvironmentError{err}
	}
	header := d.header()
	if err := folder.writeInputs(header, d.Scenario.Source, d.Arguments); err != nil {
		return folder, &EnvironmentError{err}
	}
	log, err := history.Create(folder.File(HistoryFile), header)
	if err != nil {
		return folder, &EnvironmentError{err}
	}
	line, forget := lastLine(log)
	drilled := d.drill(ctx, folder, log)
	forget()
	end := history.Event{Actor: "engine", Op: history.OpEnd, Phase: history.OK}
	if drilled != nil {
		end.Phase, end.Err = history.Info, drilled.Error()
	}
	if why := endedBy(ctx, drilled); why != nil {
		end.Err = why.Error() + at(line()) // what it led to adds nothing
	}
	log.Append(end)
	if err := log.Seal(); err != nil {
		return folder, fmt.Errorf("seal the history: %w", err)
	}
	if d.SignKey != nil {
		if err := folder.sign(d.SignKey); err != nil {
			return folder, err
		}
	}
	var environment *EnvironmentError
	if ctx.Err() == nil && errors.As(drilled, &environment) {
		return folder, environment
	}
	return folder, ctx.Err()
}

func (d Drill) header() history.Header {
	h := history.Header{
		Schema: history.SchemaVersion, Started: time.Now().UTC(),
		Scenario: d.Scenario.Name, Digest: drills.Digest(d.Scenario.Source),
		System: d.System.Name(), Substrate: d.Substrate, Replicas: d.replicas(),
		Seed: d.Seed, Trial: d.Trial, Versions: d.Versions, Options: d.Options, Settle: defaultSettle,
	}
	g := d.System.Guarantees()
	h.Guarantees = history.Guarantees{
		Leader: g.Leader, Jobs: g.Jobs, Effects: string(g.Effects), Means: g.Means, ConcurrencyKeys: g.ConcurrencyKeys,
		Leaderships: g.Leaderships,
	}
	if s, ok := d.System.(drills.Settler); ok {
		h.Settle = s.Settle()
	}
	if a, ok := d.System.(drills.Allower); ok {
		h.Allowance = a.Allowance()
	}
	return h
}

func (d Drill) replicas() int {
	if d.Replicas > 0 {
		return d.Replicas
	}
	return d.Scenario.Replicas
}

// drill starts everything, follows the script, and stops everything.
func (d Drill) drill(ctx context.Context, folder Folder, log *history.Log) (err error) {
	journal, err := engine.CreateJournal(folder.File(JournalFile))
	if err != nil {
		return &EnvironmentError{err}
	}
	defer func() { err = errors.Join(err, journal.Close()) }()
	abort, forget := d.watch(log)
	defer forget()
	view, stopView := engine.Watch(log, d.System.Guarantees().Leaderships...)
	defer stopView()
	pulse, stopPulse := engine.TakePulse(log)
	defer stopPulse()
	outside, err := witness.Start(ctx, witness.Config{Log: log, Seed: d.Seed})
	if err != nil {
		return &EnvironmentError{err}
	}
	defer func() { err = errors.Join(err, closeWith(ctx, outside.Close)) }()
	substrate, err := d.open(ctx, folder, journal)
	if err != nil {
		return &EnvironmentError{err}
	}
	defer func() { err = errors.Join(err, leave(ctx, substrate, journal)) }()
	cluster, err := d.start(ctx, substrate, outside)
	if err != nil {
		return &EnvironmentError{err}
	}
	defer func() { err = errors.Join(err, closeWith(ctx, cluster.Close)) }()
	return d.follow(ctx, cluster, outside, engine.Config{Log: log, View: view, Pulse: pulse, Journal: journal, Abort: abort})
}

// watch holds the scenario's conditions for an abort against the history from
// its first event on.
func (d Drill) watch(log *history.Log) (abort func() string, forget func()) {
	if len(d.Aborts) == 0 {
		return nil, func() {}
	}
	live := gates.NewLive(d.header(), d.Aborts)
	return live.Proved, log.Observe(live.Observe)
}

// closeWith ends something with a deadline of its own, whatever became of ctx.
func closeWith(ctx context.Context, end func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeDeadline)
	defer cancel()
	return end(ctx)
}

// open makes the substrate and has the journal say where it is, before anything
// runs there.
func (d Drill) open(ctx context.Context, folder Folder, journal *engine.Journal) (drills.Substrate, error) {
	d.progress("starting")
	substrate, err := d.NewSubstrate(ctx, folder.File(LogsFolder))
	if err != nil {
		return nil, err
	}
	place := ""
	if p, ok := substrate.(drills.Placed); ok {
		place = p.Place()
	}
	if err := journal.Opened(d.Substrate, place); err != nil {
		return nil, errors.Join(err, closeWith(ctx, substrate.Close))
	}
	return substrate, nil
}

// leave closes the substrate, whatever the system has left on it, and has the
// journal say so.
func leave(ctx context.Context, substrate drills.Substrate, journal *engine.Journal) error {
	if err := closeWith(ctx, substrate.Close); err != nil {
		return err
	}
	return journal.Closed()
}

func (d Drill) start(ctx context.Context, substrate drills.Substrate, outside *witness.Witness) (drills.Cluster, error) {
	return d.System.Start(ctx, drills.Environment{
		Substrate: substrate, Witness: outside.Addr(), Token: outside.Token, Backends: addresses(outside),
		Seed: d.Seed, Options: d.Options,
	}, d.replicas())
}

// addresses of the witness's backends, by name.
func addresses(outside *witness.Witness) map[string]string {
	by := map[string]string{}
	for _, b := range outside.Backends() {
		by[b.Name()] = b.Addr()
	}
	return by
}

// follow completes the config with what is of the drill's and of the system's.
func (d Drill) follow(ctx context.Context, cluster drills.Cluster, outside *witness.Witness, config engine.Config) error {
	if d.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.Timeout, &tooLong{d.Timeout})
		defer cancel()
	}
	config.Scenario, config.Seed, config.Progress = d.Scenario, d.Seed, d.Progress
	config.Cluster, config.Backends, config.Guarantees, config.Settle = cluster, outside.Backends(), d.System.Guarantees(), d.header().Settle
	config.Verbs, config.Faults = d.Verbs, d.Faults
	err := engine.Run(ctx, config)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return err
}

func (d Drill) progress(what string) {
	if d.Progress != nil {
		d.Progress(what)
	}
}
