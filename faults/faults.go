// Package faults holds what can be broken on purpose, one file a fault. Each
// says which outage of the real world it stands for, what the system sees, and
// what proves that it has bitten. The engine owns their lifecycle; see
// [drills.Fault].
package faults

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/drillrun/drillrun/drills"
)

// All returns every fault by name.
func All() map[string]drills.FaultSpec {
	faults := map[string]drills.FaultSpec{}
	for _, f := range []drills.FaultSpec{
		Kill(), Terminate(), Restart(), Crash(), Pause(), Partition(), Latency(), TerminateBackend(), Flush(),
	} {
		faults[f.Name] = f
	}
	return faults
}

// running resolves a selector to processes that run, with their pids.
func running(ctx context.Context, t drills.Target, selector string) ([]drills.Process, map[string]int, error) {
	found, err := t.Resolve(ctx, selector)
	if err != nil {
		return nil, nil, err
	}
	pids := map[string]int{}
	for _, p := range found {
		info := p.Info()
		if info.PID == 0 {
			return nil, nil, fmt.Errorf("%s: %w", info.Name, drills.ErrNotRunning)
		}
		pids[info.Name] = info.PID
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
		all.Go(func() error {
			if err := do(ctx, p); err != nil {
				return fmt.Errorf("%s %s: %w", what, p.Info().Name, err)
			}
			return nil
		})
	}
	return all.Wait()
}
