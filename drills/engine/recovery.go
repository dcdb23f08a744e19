package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

const (
	// recoverDeadline bounds one recovery, which runs whatever happened to
	// the drill's own context.
	recoverDeadline = 30 * time.Second
	// injectGrace is how much longer than its deadline an injection may take to end.
	injectGrace = 5 * time.Second
	// holdDeadline is how long a fault may be held that the script recovers
	// at no set time. It is longer than any script should wait for anything.
	holdDeadline = 2 * time.Minute
)

// Recover recovers the active faults whose undo is that action and that hold
// one of the victims; without victims, all of that action. It says how many.
func (g *Guard) Recover(ctx context.Context, action drills.Action, victims []string) (int, error) {
	return g.recover(ctx, func(in *injection) bool {
		return in.undo.Action == action && (len(victims) == 0 || slices.ContainsFunc(victims, func(v string) bool {
			return slices.Contains(in.undo.Victims, v)
		}))
	})
}

// HealAll recovers every active fault, the latest first, and waits for the
// recoveries that others have begun. It goes on past failures and works under a
// context that was already cancelled.
func (g *Guard) HealAll(ctx context.Context) error {
	_, err := g.recover(ctx, func(*injection) bool { return true })
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.mends > 0 { // each is bounded by recoverDeadline
		g.mended.Wait()
	}
	return err
}

// still says whether faults are refused, as long as a drain is under way.
func (g *Guard) still(on bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = on
}

func (g *Guard) recover(ctx context.Context, which func(*injection) bool) (int, error) {
	chosen := g.take(which)
	defer g.release()
	var errs []error
	for _, in := range slices.Backward(chosen) {
		if err := g.recoverOne(ctx, in); err != nil {
			errs = append(errs, err)
		}
	}
	return len(chosen), errors.Join(errs...)
}

// take removes the chosen injections from the active ones, so that two
// recoveries never work on the same fault, and counts one recovery under way.
func (g *Guard) take(which func(*injection) bool) []*injection {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mends++
	var chosen, rest []*injection
	for _, in := range g.active {
		if which(in) {
			chosen = append(chosen, in)
			if in.late != nil {
				in.late.Stop()
			}
		} else {
			rest = append(rest, in)
		}
	}
	g.active = rest
	return chosen
}

func (g *Guard) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mends--
	g.mended.Broadcast()
}

// recoverOne waits until the injection has ended, and undoes it: what bit later
// would never be undone. Where that takes too long, the injection undoes itself
// when it ends.
func (g *Guard) recoverOne(ctx context.Context, in *injection) error {
	defer close(in.over)
	patience := time.NewTimer(injectDeadline + injectGrace)
	defer patience.Stop()
	select {
	case <-in.bitten:
		return g.mend(ctx, in)
	case <-patience.C:
	}
	if !g.giveUp(in) {
		return g.mend(ctx, in)
	}
	err := fmt.Errorf("its injection has not ended within %v", injectDeadline+injectGrace)
	g.note(in, history.OpRecover, history.Invoke, nil, nil)
	g.note(in, history.OpRecover, history.Info, nil, err)
	return fmt.Errorf("recover %q: %w", in.detail.Fault, err)
}

// giveUp leaves the recovery to the injection, unless that has just ended.
func (g *Guard) giveUp(in *injection) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-in.bitten:
		return false
	default:
		in.given = true
		return true
	}
}

func (g *Guard) mend(ctx context.Context, in *injection) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recoverDeadline)
	defer cancel()
	g.note(in, history.OpRecover, history.Invoke, nil, nil)
	err := survive(func() error { return in.fault.Recover(ctx) })
	if err == nil {
		err = g.journal.Recovered(in.actor)
	}
	if err != nil {
		g.note(in, history.OpRecover, history.Info, nil, err)
		return fmt.Errorf("recover %q: %w", in.detail.Fault, err)
	}
	g.note(in, history.OpRecover, history.OK, nil, nil)
	g.mu.Lock()
	defer g.mu.Unlock()
	in.healed = g.log.Now()
	return nil
}

func (in *injection) itself(other *injection) bool { return other == in }

// limit sets the deadline of a fault that only the script can end: a script
// that forgets to, or hangs, must not leave it in effect. The script is broken
// off then.
func (g *Guard) limit(ctx context.Context, in *injection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.ContainsFunc(g.active, in.itself) {
		return // a step in the background has recovered it
	}
	in.late = time.AfterFunc(g.longest, func() {
		if n, err := g.recover(ctx, in.itself); n > 0 {
			why := fmt.Errorf("%q was in effect for %v, the longest allowed: recover it in the script, or give it for=", in.detail.Fault, g.longest)
			g.breakOff(errors.Join(why, err))
		}
	})
}
