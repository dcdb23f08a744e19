// Package faults holds what can be broken on purpose, one file a fault. Each
// says which outage of the real world it stands for, what the system sees, and
// what proves that it has bitten. The engine owns their lifecycle; see
// [drills.Fault].
package faults

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// All returns every fault by name.
func All() map[string]drills.FaultSpec {
	faults := map[string]drills.FaultSpec{}
	for _, f := range []drills.FaultSpec{
		// of processes
		Kill(), Terminate(), Restart(), Crash(), CrashLoop(), Pause(), Misconfigure(), CPU(), Memory(), Disconnect(),
		// of links
		Partition(), Stall(), Refuse(), Reset(), Latency(), Bandwidth(), Slice(), Limit(), Drop(),
		// of stores
		TerminateBackend(), Exhaust(), ReadOnly(), LockTable(), LockRows(), Flush(), OOM(),
		// of backends
		Fail(), Slow(), Hang(),
	} {
		faults[f.Name] = f
	}
	return faults
}

// running resolves selectors, joined by commas, to processes that run, with
// their pids.
func running(ctx context.Context, t drills.Target, selectors string) ([]drills.Process, map[string]int, error) {
	var found []drills.Process
	pids := map[string]int{}
	for selector := range strings.SplitSeq(selectors, ",") {
		chosen, err := t.Resolve(ctx, selector)
		if err != nil {
			return nil, nil, err
		}
		for _, p := range chosen {
			info := p.Info()
			if info.PID == 0 {
				return nil, nil, fmt.Errorf("%s: %w", info.Name, drills.ErrNotRunning)
			}
			if pids[info.Name] != 0 {
				return nil, nil, fmt.Errorf("%q chooses %s twice", selectors, info.Name)
			}
			pids[info.Name] = info.PID
			found = append(found, p)
		}
	}
	return found, pids, nil
}

// names lists processes by name.
func names(processes []drills.Process) []string {
	var list []string
	for _, p := range processes {
		list = append(list, p.Info().Name)
	}
	return list
}

// together does the same to every process at once and waits for all: a fault
// on several victims hits them in the same moment, not one after the other.
func together(ctx context.Context, processes []drills.Process, what string, do func(context.Context, drills.Process) error) error {
	var all errgroup.Group
	for _, p := range processes {
		all.Go(survive(func() error {
			if err := do(ctx, p); err != nil {
				return fmt.Errorf("%s %s: %w", what, p.Info().Name, err)
			}
			return nil
		}))
	}
	return all.Wait()
}

// survive makes a panic an error: beside the engine's own goroutine it would end the
// harness before anything is healed.
func survive(do func() error) func() error {
	return func() (err error) {
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("it panicked: %v", r)
			}
		}()
		return do()
	}
}
