package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// injectDeadline bounds planning a fault, and again injecting and proving it.
const injectDeadline = 30 * time.Second

// errResting says that a drain has begun, which outlasts only what was before it.
var errResting = errors.New("a drain is under way: nothing can begin until it has ended")

// ErrIndeterminate says that a fault may or may not be in effect.
var ErrIndeterminate = errors.New("fault is indeterminate")

// Guard owns the life of every fault of a drill.
type Guard struct {
	log      *history.Log
	journal  *Journal
	target   drills.Target
	view     *View
	longest  time.Duration // that a fault is held without a time of its own
	breakOff func(error)   // ends the script

	mu     sync.Mutex
	closed bool // while a drain is under way
	count  int
	mends  int               // recoveries under way
	mended *sync.Cond        // on mu: one of them has ended
	active []*injection      // in the order of injection
	latest *injection        // nil before the first
	before map[string]Leader // who led when the latest fault was planned
}

func newGuard(d *Drill) *Guard {
	g := &Guard{
		log: d.cfg.Log, journal: d.cfg.Journal, view: d.view, target: &target{drill: d},
		longest: cmp.Or(d.cfg.Deadline, holdDeadline), breakOff: func(why error) { d.breakOff(why) },
	}
	g.mended = sync.NewCond(&g.mu)
	return g
}

// injection is one fault that has been planned and not yet recovered.
type injection struct {
	actor  string
	detail history.Fault // but for its evidence
	undo   drills.Undo
	fault  drills.Fault
	late   *time.Timer   // recovers it where the script forgot to; may be nil
	bitten chan struct{} // closed when its injection has ended, one way or the other
	over   chan struct{} // closed when its recovery has ended
	timed  bool          // it is held for a time only, which is hold
	hold   time.Duration

	// These are under the guard's lock.
	given  bool          // a recovery has given up waiting for the injection
	healed time.Duration // when it was recovered; 0 before that
}

// Begin plans a fault: once it has returned, a recovery that is asked for finds
// the fault, and waits for what rest does. The rest takes it through injecting
// and in effect and, where it is held for a time only, through that time and its
// recovery. An error leaves it indeterminate and still to be recovered.
func (g *Guard) Begin(ctx context.Context, spec drills.FaultSpec, step drills.Step) (rest func(context.Context) error, err error) {
	fault, err := spec.New(step.Args)
	if err != nil {
		return nil, fmt.Errorf("make fault %s: %w", spec.Name, err)
	}
	in := &injection{actor: g.name(), fault: fault, bitten: make(chan struct{}), over: make(chan struct{})}
	if spec.Held != nil {
		in.hold, in.timed = spec.Held(step.Args)
	}
	if err := g.plan(ctx, in, spec.Mild, step); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := g.bite(ctx, in); err != nil {
			return err
		}
		if !in.timed {
			g.limit(ctx, in)
			return nil
		}
		return g.keep(ctx, in)
	}, nil
}

// bite injects the fault and waits for the proof. A recovery that was asked for
// in the meantime waits for that; one that could wait no longer is made up for.
func (g *Guard) bite(ctx context.Context, in *injection) error {
	err := g.inject(ctx, in)
	g.mu.Lock()
	close(in.bitten)
	given := in.given
	if given {
		g.mends++
	}
	g.mu.Unlock()
	if !given {
		return err
	}
	defer g.release()
	return errors.Join(err, g.mend(ctx, in))
}

func (g *Guard) inject(ctx context.Context, in *injection) error {
	ctx, cancel := context.WithTimeout(ctx, injectDeadline)
	defer cancel()
	g.note(in, history.OpInject, history.Invoke, nil, nil)
	if err := survive(func() error { return in.fault.Inject(ctx) }); err != nil {
		g.note(in, history.OpInject, history.Info, nil, err)
		return fmt.Errorf("inject %q: %w: %w", in.detail.Fault, ErrIndeterminate, err)
	}
	var evidence drills.Evidence
	err := survive(func() (err error) {
		evidence, err = in.fault.Await(ctx)
		return err
	})
	if err != nil {
		g.note(in, history.OpInject, history.Info, nil, err)
		return fmt.Errorf("prove %q: %w: %w", in.detail.Fault, ErrIndeterminate, err)
	}
	g.note(in, history.OpInject, history.OK, evidence, nil)
	return nil
}

// keep holds the fault for a time and recovers it, unless somebody else does.
func (g *Guard) keep(ctx context.Context, in *injection) error {
	timer := time.NewTimer(in.hold)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-in.over:
		return nil
	case <-timer.C:
	}
	n, err := g.recover(ctx, in.itself)
	if n == 0 {
		<-in.over // which its deadline bounds
	}
	return err
}

// plan picks the victims, refuses those that another fault holds, and has the
// undo on disk before it returns.
func (g *Guard) plan(ctx context.Context, in *injection, mild bool, step drills.Step) error {
	ctx, cancel := context.WithTimeout(ctx, injectDeadline)
	defer cancel()
	in.detail = history.Fault{Fault: faultText(step), Name: step.Verb, Mild: mild}
	if len(step.Args.Words) > 0 {
		in.detail.Target = step.Args.Words[0]
	}
	var undo drills.Undo
	err := survive(func() (err error) {
		undo, err = in.fault.Plan(ctx, g.target)
		return err
	})
	if err == nil {
		in.undo, in.detail.Victims, in.detail.Undo = undo, undo.Victims, string(undo.Action)
		in.detail.Leadership, in.detail.Links, in.detail.Mild = undo.Leadership, undo.Links, mild || undo.Mild
		err = g.hold(in)
	}
	if err != nil {
		g.note(in, history.OpPlan, history.Fail, nil, err)
		return fmt.Errorf("plan %q: %w", in.detail.Fault, err)
	}
	g.note(in, history.OpPlan, history.OK, nil, nil)
	return nil
}

func (g *Guard) name() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	return "fault/" + strconv.Itoa(g.count)
}

// hold makes the injection active, once its undo is on disk.
func (g *Guard) hold(in *injection) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errResting
	}
	if err := g.free(in.undo); err != nil {
		return err
	}
	if err := g.journal.Planned(in.actor, in.undo); err != nil {
		return err
	}
	g.active = append(g.active, in)
	g.latest = in
	g.before = g.view.Leaders()
	return nil
}

// free refuses what another fault holds: the same process, or the same link. A
// slow link of a frozen process is two faults on two targets.
func (g *Guard) free(undo drills.Undo) error {
	for _, in := range g.active {
		for _, held := range holds(in.undo) {
			if slices.Contains(holds(undo), held) {
				return fmt.Errorf("%s is already held by %q: recover that first", held, in.detail.Fault)
			}
		}
	}
	return nil
}

// holds are the targets of a fault: links where it degrades links, else its
// victims, unless it leaves nothing to undo.
func holds(undo drills.Undo) []string {
	switch {
	case undo.Action == drills.ActionNone:
		return nil
	case len(undo.Links) > 0:
		return undo.Links
	}
	return undo.Victims
}

// Victims returns the victims of the latest fault.
func (g *Guard) Victims() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.latest == nil {
		return nil
	}
	return slices.Clone(g.latest.undo.Victims)
}

// pending says whether a fault is being recovered, or will be without the script.
func (g *Guard) pending() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.mends > 0 || slices.ContainsFunc(g.active, func(in *injection) bool { return in.timed })
}

func (g *Guard) note(in *injection, op string, phase history.Phase, evidence drills.Evidence, err error) {
	detail := in.detail
	detail.Evidence = evidence
	e := history.Event{Actor: in.actor, Op: op, Phase: phase, Detail: history.Detail(detail)}
	if err != nil {
		e.Err = err.Error()
	}
	g.log.Append(e)
}

// faultText is the step as people name the fault: without the "&".
func faultText(s drills.Step) string {
	text := s.Verb
	for _, w := range s.Args.Words {
		text += " " + w
	}
	return text
}
