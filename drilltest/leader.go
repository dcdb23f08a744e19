package drilltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/history"
)

// often is how often a leader must act to be seen by drills: steady is one that
// has been led in the last second.
const often = time.Second

// showsLeader looks at the leader's effects, compares them with the system's own
// word, and kills the leader.
func (x *exercise) showsLeader(t *testing.T) {
	if !x.system.Guarantees().Leader {
		t.Skip("it promises no leader")
	}
	key := x.awaitLeader(t)
	x.reportsLeader(t)
	x.reportsQueue(t, key)
	x.failsOver(t, key)
}

// fenced are the effects of a leadership that were not refused.
func (x *exercise) fenced(key string) []effect {
	return x.stage.seen.where(func(e effect) bool {
		return e.Kind == history.KindFenced && e.Outcome != history.Stale && (key == "" || e.Leadership == key)
	})
}

// newest is the leader of a leadership in the witness's eyes.
func (x *exercise) newest(key string) (newest effect) {
	for _, e := range x.fenced(key) {
		if e.Term >= newest.Term {
			newest = e
		}
	}
	return newest
}

// awaitLeader waits until somebody acts as the leader, and often. It returns the
// leadership that is meant by "leader".
func (x *exercise) awaitLeader(t *testing.T) (key string) {
	t.Helper()
	err := within(x.settle+patience, func() error {
		all := x.fenced("")
		if len(all) == 0 {
			return errors.New("there are none")
		}
		for i := range all {
			for _, later := range all[i+1:] {
				if later.Leadership == all[i].Leadership && later.at-all[i].at <= often {
					key = later.Leadership
					return nil
				}
			}
		}
		return errors.New("they are further apart than a second")
	})
	if err != nil {
		t.Fatal(misses("a leader is promised, and of fenced effects with a term %v", `have the leader report what it does with "kind":"fenced", "leadership" and its "term" (from 1), twice a second; or promise no leader`, err))
	}
	if reporter, ok := x.cluster.(drills.LeaderReporter); ok {
		if said, err := said(t, reporter); err == nil {
			return said.Key
		}
	}
	return key
}

// said is the first leadership that the system names.
func said(t *testing.T, reporter drills.LeaderReporter) (drills.Leadership, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	all, err := reporter.Leaderships(ctx)
	if err == nil && len(all) == 0 {
		err = errors.New("it names none")
	}
	if err != nil {
		return drills.Leadership{}, err
	}
	return all[0], nil
}

// reportsLeader wants the system's word to be the witness's.
func (x *exercise) reportsLeader(t *testing.T) {
	t.Helper()
	reporter, ok := x.cluster.(drills.LeaderReporter)
	if !ok {
		return
	}
	err := within(x.settle+patience, func() error {
		said, err := said(t, reporter)
		if err != nil {
			return err
		}
		if seen := x.newest(said.Key); said.Replica != seen.Replica || said.Term != seen.Term {
			return fmt.Errorf("of %q it says %s (term %d), and the witness %s (term %d)", said.Key, said.Replica, said.Term, seen.Replica, seen.Term)
		}
		return nil
	})
	if err != nil {
		t.Fatal(misses("Leaderships: %v", "name who holds the leadership now, by the key and the term that its effects carry: otherwise no leader can be hit", err))
	}
}

// reportsQueue wants the next in the queue to be a replica that does not lead.
func (x *exercise) reportsQueue(t *testing.T, key string) {
	t.Helper()
	queue, ok := x.cluster.(drills.QueueReporter)
	if !ok {
		return
	}
	err := within(x.settle+patience, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		next, _, err := queue.Waiter(ctx)
		switch {
		case err != nil:
			return err
		case !slices.Contains(x.replicas, next):
			return fmt.Errorf("%q is no replica", next)
		case next == x.newest(key).Replica:
			return fmt.Errorf("%s leads", next)
		}
		return nil
	})
	if err != nil {
		t.Fatal(misses("Waiter: %v", "name the replica that is next in the queue for the leadership", err))
	}
}

// failsOver kills the leader until another has acted under a higher term.
func (x *exercise) failsOver(t *testing.T, key string) {
	t.Helper()
	before := x.newest(key)
	leader := x.process(t, before.Replica)
	noError(t, leader.Kill(t.Context()), "kill "+before.Replica)
	err := within(2*x.settle+patience, func() error {
		if x.newest(key).Term <= before.Term {
			return errors.New("there is none")
		}
		return nil
	})
	noError(t, leader.Start(t.Context()), "start "+before.Replica)
	if err != nil {
		t.Fatal(misses("%s led %q and was killed; of effects under a term above %d %v", "have each leader report under a higher term than all before it: failover is measured by that",
			before.Replica, key, before.Term, err))
	}
	x.awaitReady(t, before.Replica)
}
