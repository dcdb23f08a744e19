package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// ErrScript says that the script was not followed to its end. The text of the
// errors that wrap it is the reason alone.
var ErrScript = errors.New("the script was not followed to its end")

// brokenOff makes an error the reason why the script was not followed.
func brokenOff(why error) error { return &brokenOffError{why} }

type brokenOffError struct{ why error }

func (e *brokenOffError) Error() string { return e.why.Error() }

func (e *brokenOffError) Unwrap() []error { return []error{ErrScript, e.why} }

// Verb is a step that the engine can take.
type Verb struct {
	drills.VerbSpec
	// Run takes the step and returns once it is done.
	Run func(ctx context.Context, d *Drill, step drills.Step) error
	// Begin takes Run's place where the step may stand in the background. Once it
	// has returned, later steps find what it has begun, and can end it. The rest
	// runs until it is done or its ctx ends, which is then no error.
	Begin func(ctx context.Context, d *Drill, step drills.Step) (rest func(context.Context) error, err error)
}

// Config is what a drill is run with.
type Config struct {
	Scenario   *drills.Scenario
	Cluster    drills.Cluster
	Backends   []drills.Backend // of the witness
	Guarantees drills.Guarantees
	Settle     time.Duration // the system's own; see drills.Settler
	Log        *history.Log
	// View is of the log, from before the system was started: a leader may
	// announce itself once and be silent then.
	View    *View
	Pulse   *Pulse // of the harness, from before the system was started
	Journal *Journal
	Verbs   map[string]Verb
	Faults  map[string]drills.FaultSpec
	// Abort is asked all the time whether something has been proved on which
	// the script is to be broken off, and says what; may be nil.
	Abort    func() string
	Deadline time.Duration // of a fault that the script holds for no set time; 0: two minutes
	Seed     uint64
	Progress func(what string) // told of each step; may be nil
}

// Drill is one execution of a scenario, as verbs see it.
type Drill struct {
	cfg      Config
	view     *View // of the config
	guard    *Guard
	loads    *loads
	steps    *background
	draws    *draws
	troubles history.Tally
	mark     string // in the keys of submissions; may be empty
	rest     bool   // the stores have been snapshotted after a drain

	breakOff context.CancelCauseFunc // ends the script, not the drill, for that reason
}

// Run follows the script of cfg and heals everything before it returns. The
// error is ErrScript where a step failed, or the context's own.
func Run(ctx context.Context, cfg Config) error {
	d := &Drill{cfg: cfg, view: cfg.View, loads: &loads{}, draws: newDraws(cfg.Seed), mark: markOf(cfg.Cluster)}
	d.guard = newGuard(d)
	d.watchExits()
	d.watchTroubles()
	if err := d.snapshot(ctx, history.SnapshotBaseline); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.steps = newBackground(ctx)
	script, breakOff := context.WithCancelCause(ctx)
	defer breakOff(nil)
	d.breakOff = breakOff
	err := d.follow(script)
	if ctx.Err() == nil && script.Err() != nil {
		err = brokenOff(context.Cause(script))
	}
	return errors.Join(d.finish(ctx, err), d.view.Err())
}

// follow takes the steps of the script.
func (d *Drill) follow(ctx context.Context) error {
	defer d.watch(ctx)()
	return d.take(ctx, d.cfg.Scenario.Steps)
}

func (d *Drill) take(ctx context.Context, steps []drills.Step) error {
	for _, s := range steps {
		if s.Verb == "repeat" {
			for range s.Repeat {
				if err := d.take(ctx, s.Body); err != nil {
					return err
				}
			}
			continue
		}
		if err := d.step(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// step takes one step, in the background where the script says so.
func (d *Drill) step(ctx context.Context, s drills.Step) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed := d.steps.Err(); failed != nil {
		return failed
	}
	if d.cfg.Progress != nil {
		d.cfg.Progress(s.Text)
	}
	d.noteStep(s, history.Invoke, nil)
	var rest func(context.Context) error
	err := survive(func() (err error) {
		rest, err = d.begin(ctx, s)
		return err
	})
	switch {
	case err != nil:
		return d.ended(s, err)
	case s.Background:
		d.steps.Go(func(ctx context.Context) error { return d.end(ctx, s, rest) })
		return nil
	}
	return d.end(ctx, s, rest)
}

// begin takes a step so far that the next one finds what it has begun.
func (d *Drill) begin(ctx context.Context, s drills.Step) (rest func(context.Context) error, err error) {
	if fault, ok := d.cfg.Faults[s.Verb]; ok {
		return d.guard.Begin(ctx, fault, s)
	}
	verb := d.cfg.Verbs[s.Verb]
	if verb.Begin != nil {
		return verb.Begin(ctx, d, s)
	}
	return func(ctx context.Context) error { return verb.Run(ctx, d, s) }, nil
}

// end takes the rest of a step; a panic is a failed step.
func (d *Drill) end(ctx context.Context, s drills.Step, rest func(context.Context) error) error {
	return d.ended(s, survive(func() error { return rest(ctx) }))
}

// ended writes down what became of a step.
func (d *Drill) ended(s drills.Step, err error) error {
	if err != nil {
		d.noteStep(s, history.Fail, err)
		return brokenOff(fmt.Errorf("line %d: %s: %w", s.Line, s.Text, err))
	}
	d.noteStep(s, history.OK, nil)
	return nil
}

// Break takes the fault that the step names through its life.
func (d *Drill) Break(ctx context.Context, s drills.Step) error {
	fault, ok := d.cfg.Faults[s.Verb]
	if !ok {
		return fmt.Errorf("there is no fault %q", s.Verb)
	}
	rest, err := d.guard.Begin(ctx, fault, s)
	if err != nil {
		return err
	}
	return rest(ctx)
}

// finish heals, ends what runs in the background and, where the script broke
// off by itself, drains: what a system lost is worth knowing after a failed
// await too.
func (d *Drill) finish(ctx context.Context, followed error) error {
	healed := d.guard.HealAll(ctx)
	d.loads.Stop()
	ended := d.steps.Wait()
	late := d.guard.HealAll(ctx) // a background step may have injected in the meantime
	err := errors.Join(followed, ended, healed, late)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	if err != nil && !d.rest && !errors.Is(err, errAborted) {
		err = errors.Join(err, d.Drain(ctx))
	}
	if err != nil && !errors.Is(err, ErrScript) {
		err = brokenOff(err)
	}
	return err
}

func (d *Drill) noteStep(s drills.Step, phase history.Phase, err error) {
	e := history.Event{
		Actor: "script", Op: history.OpStep, Phase: phase,
		Detail: history.Detail(history.Step{Line: s.Line, Text: s.Text}),
	}
	if err != nil {
		e.Err = err.Error()
	}
	d.cfg.Log.Append(e)
}

// watchExits has every end of a process written down, wanted or not.
func (d *Drill) watchExits() {
	for _, p := range d.cfg.Cluster.Processes() {
		exiter, ok := p.(drills.Exiter)
		if !ok {
			continue
		}
		name := p.Info().Name
		exiter.OnExit(func(x drills.Exit) {
			d.cfg.Log.Append(history.Event{
				Actor: name, Op: history.OpExit, Phase: history.Info,
				Detail: history.Detail(history.Exit{Code: x.Code, Signal: x.Signal, OutOfMemory: x.OutOfMemory}),
			})
		})
	}
}

// Cluster is the cluster that is drilled.
func (d *Drill) Cluster() drills.Cluster { return d.cfg.Cluster }

// View is what the history says so far.
func (d *Drill) View() *View { return d.view }

// Guard owns the drill's faults.
func (d *Drill) Guard() *Guard { return d.guard }

// HasLeader says whether the system promises a leader.
func (d *Drill) HasLeader() bool { return d.cfg.Guarantees.Leader }

// Now is the time on the history's clock.
func (d *Drill) Now() time.Duration { return d.cfg.Log.Now() }

// markOf sets the keys of this drill apart from those of an earlier one with the
// same seed, where the system may remember these: it would rightly do nothing.
func markOf(c drills.Cluster) string {
	if lasting, ok := c.(drills.Lasting); ok && lasting.Lasts() {
		return "-" + strings.ToLower(rand.Text()[:8])
	}
	return ""
}
