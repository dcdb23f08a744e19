package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/drillrun/drillrun/drills"
)

// CrashLoop kills processes with SIGKILL each time they have come up: a pod in
// CrashLoopBackOff, a bad configuration under a stubborn supervisor. Each life
// is long enough to connect, to join queues and to take work, and too short to
// finish it.
func CrashLoop() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{
			Name:       "crash-loop",
			Usage:      "crash-loop leader | follower | any | all | REPLICA | STORE [up=DURATION] [for=DURATION] [&]",
			Summary:    "SIGKILL, start, and SIGKILL again once it was up for up=, over and over",
			Doc:        "Stands for a pod in CrashLoopBackOff. The victim connects, joins queues and takes work, and dies with it again and again; up= is 300ms unless set. Proved by two different pids of each victim, both reaped. Undone after for=, by \"start victim\", or when the drill drains.",
			Check:      checkCrashLoop,
			Aims:       atTarget,
			Background: true,
		},
		New: func(a drills.Args) (drills.Fault, error) {
			up, err := a.Duration("up", shortLife)
			return &crashLoop{selector: a.Words[0], up: up, reaped: map[string][]int{}}, err
		},
		Held: drills.HeldFor,
	}
}

func checkCrashLoop(a drills.Args) error {
	if err := takesTargetWith(a, "up", "for"); err != nil {
		return err
	}
	_, err := a.Duration("up", shortLife)
	_, errFor := a.Duration("for", 0)
	return errors.Join(err, errFor)
}

// shortLife is how long a victim lives where the script says nothing.
const shortLife = 300 * time.Millisecond

type crashLoop struct {
	selector string
	up       time.Duration
	victims  []drills.Process
	loop     *upkeep

	mu     sync.Mutex
	reaped map[string][]int // pids, by victim
}

func (f *crashLoop) Plan(ctx context.Context, t drills.Target) (drills.Undo, error) {
	var err error
	if f.victims, _, err = running(ctx, t, f.selector); err != nil {
		return drills.Undo{}, err
	}
	return drills.Undo{Action: drills.ActionStart, Victims: names(f.victims)}, nil
}

// Inject crashes the victims for the first time.
func (f *crashLoop) Inject(ctx context.Context) error {
	if err := f.crash(ctx); err != nil {
		return err
	}
	f.loop = keepUp(ctx, f.again)
	return nil
}

// again starts the victims and crashes them until ctx ends. It breaks off in
// between only: a store that is starting is waited for.
func (f *crashLoop) again(ctx context.Context) error {
	whole := context.WithoutCancel(ctx)
	for rest(ctx, briefly) == nil {
		if err := startAll(whole, f.victims); err != nil {
			return err
		}
		if rest(ctx, f.up) != nil {
			break
		}
		if err := f.crash(whole); err != nil {
			return err
		}
	}
	return nil
}

// crash kills the victims. One that has just ended by itself is spared, and
// proves nothing.
func (f *crashLoop) crash(ctx context.Context) error {
	return together(ctx, f.victims, "kill", func(ctx context.Context, p drills.Process) error {
		info := p.Info()
		err := p.Kill(ctx)
		if errors.Is(err, drills.ErrNotRunning) {
			return nil
		}
		if err == nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.reaped[info.Name] = append(f.reaped[info.Name], info.PID)
		}
		return err
	})
}

// Await wants every victim to have died twice.
func (f *crashLoop) Await(ctx context.Context) (drills.Evidence, error) {
	if f.loop == nil {
		return nil, errors.New("nothing was killed")
	}
	err := until(ctx, "every victim has died twice", func(context.Context) (bool, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		return !slices.ContainsFunc(f.victims, func(p drills.Process) bool { return len(f.reaped[p.Info().Name]) < 2 }), nil
	})
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return drills.Evidence{"signal": "SIGKILL", "reaped": maps.Clone(f.reaped)}, nil
}

// Recover ends the loop and starts the victims for good.
func (f *crashLoop) Recover(ctx context.Context) error {
	if err := errors.Join(f.loop.end(ctx), startAll(ctx, f.victims)); err != nil {
		return fmt.Errorf("end the crash loop: %w", err)
	}
	return nil
}
