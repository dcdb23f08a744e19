package engine_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
)

// took is how long the step of that line took.
func took(t *testing.T, events []history.Event, line int) (begun, ended time.Duration) {
	t.Helper()
	for _, e := range events {
		if e.Op != history.OpStep {
			continue
		}
		step, err := history.Decode[history.Step](&e)
		require.NoError(t, err)
		switch {
		case step.Line == line && e.Phase == history.Invoke:
			begun = e.At
		case step.Line == line:
			ended = e.At
		}
	}
	return begun, ended
}

func TestTheSecondThatIsSteadyLiesAfterTheRecovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := follow(t, newToy(t), faults.All(), 1, "load jobs rate=200/s &", "await steady", "kill replica-3", "start victim", "await steady", "drain")
		require.NoError(t, err)
		_, steady := took(t, events, 5)
		require.GreaterOrEqual(t, steady-of(events, history.OpRecover, history.OK)[0].At, time.Second)
	})
}

func TestTheSecondThatIsSteadyLiesAfterAStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t)
		time.AfterFunc(500*time.Millisecond, func() {
			c.log.Append(history.Event{Actor: "harness", Op: history.OpStall, Phase: history.Info, Detail: history.Detail(history.Stall{Took: 300 * time.Millisecond})})
		})
		events, err := follow(t, c, faults.All(), 1, "load jobs rate=200/s &", "await steady")
		require.NoError(t, err)
		_, steady := took(t, events, 2)
		require.GreaterOrEqual(t, steady, 1500*time.Millisecond)
	})
}

// act has a replica act as the leader of another leadership every so often, so many
// times.
func act(c *toy, leadership, replica string, every time.Duration, times int) {
	if times == 0 {
		return
	}
	c.effect(history.Effect{Replica: replica, Subject: leadership, Kind: history.KindFenced, Leadership: leadership, Term: 1})
	time.AfterFunc(every, func() { act(c, leadership, replica, every, times-1) })
}

func TestEachLeadershipHasToActForTheSystemToBeSteady(t *testing.T) {
	cases := map[string]struct {
		every  time.Duration
		times  int
		steady bool
	}{
		"one acts often and goes on":       {100 * time.Millisecond, 1000, true},
		"one acts often and falls silent":  {100 * time.Millisecond, 10, false},
		"one acts seldom and goes on":      {7 * time.Second, 1000, true},
		"one acts seldom and falls silent": {7 * time.Second, 2, false},
		"one has announced itself":         {time.Second, 1, true},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				time.AfterFunc(time.Millisecond, func() { act(c, "cron", "replica-2", one.every, one.times) })
				_, err := follow(t, c, faults.All(), 1, "wait 30s", "await steady within=5s")
				if one.steady {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, `as the leader of "cron" for`)
			})
		})
	}
}

func TestALeadershipThatAFaultTookHasToActAgain(t *testing.T) {
	for name, comes := range map[string]bool{"it does": true, "it never does": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				time.AfterFunc(time.Millisecond, func() { act(c, "cron", "replica-2", time.Minute, 1) })
				if comes {
					time.AfterFunc(6*time.Second, func() { act(c, "cron", "replica-1", time.Minute, 1) })
				}
				_, err := follow(t, c, faults.All(), 1, "await steady", "kill replica-2", "start victim", "await steady")
				if comes {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, `nobody has acted as the leader of "cron" since a fault took that from replica-2`)
			})
		})
	}
}

func TestWhatCannotComeTrueEndsAWaitAtOnce(t *testing.T) {
	cases := map[string]struct {
		lines []string
		why   string
	}{
		"nobody runs, and steadiness is waited for":   {[]string{"await steady", "kill all", "await steady within=1h"}, "no replica runs"},
		"nobody runs, and a new leader is waited for": {[]string{"await steady", "kill all", "await new-leader within=1h"}, "no replica runs"},
		"nobody runs, and work is waited for":         {[]string{"await steady", "load jobs rate=200/s for=50ms", "kill all", "await idle within=1h"}, "no replica runs"},
		"nobody runs, and the leader is to be broken": {[]string{"await steady", "kill all", "pause leader"}, "no replica runs"},
		"the fault hit no leader":                     {[]string{"await steady", "kill follower", "await new-leader within=1h"}, "hit no leader"},
		"nothing was broken":                          {[]string{"await steady", "await new-leader within=1h"}, "no fault has been injected"},
		"nobody tells the queue":                      {[]string{"await steady", "kill follower", "await victim-next within=1h"}, "tells no queue"},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				c.mute = true
				events, err := follow(t, c, faults.All(), 1, one.lines...)
				require.ErrorIs(t, err, engine.ErrHopeless)
				require.ErrorContains(t, err, one.why)
				begun, ended := took(t, events, len(one.lines))
				require.Zero(t, ended-begun)
			})
		})
	}
}

func TestWhoIsStartedByAFaultsOwnTimeIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := follow(t, newToy(t), faults.All(), 1, "await steady", "crash all down=5s &", "wait 1s", "await steady within=30s")
		require.NoError(t, err)
	})
}

func TestALeadershipOfNoSuchNameIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := follow(t, newToy(t), faults.All(), 1, "await steady", "kill leader/contrl")
		require.ErrorContains(t, err, `unknown leadership "contrl": did you mean "control"?`)
		begun, ended := took(t, events, 2)
		require.Less(t, ended-begun, 4*time.Second)
	})
}

// stored is a toy with a store on which its leadership hangs.
type stored struct {
	*toy
	store *toyStore
}

func (c stored) Processes() []drills.Process { return append(c.toy.Processes(), c.store) }

// toyStore is a store. While it is down nobody leads; what happens then is the test's.
type toyStore struct{ *toyReplica }

func (s *toyStore) Info() drills.ProcessInfo {
	info := s.toyReplica.Info()
	info.Role = drills.RoleStore
	return info
}

func TestAFaultOfAStoreMayHaveTakenEveryLeadership(t *testing.T) {
	cases := map[string]struct {
		after func(c *toy) // the store was stopped
		comes bool
	}{
		"the leader goes on":      {func(*toy) {}, true},
		"another one leads":       {func(c *toy) { c.replicas[0].pid = 0 }, true},
		"nobody leads ever again": {func(c *toy) { c.flat = true }, false},
	}
	for name, one := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				store := &toyStore{&toyReplica{toy: c, name: "postgres", pid: 300}}
				forget := c.log.Observe(func(e *history.Event) {
					if e.Op == history.OpInject && e.Phase == history.Invoke {
						time.AfterFunc(time.Millisecond, func() {
							c.mu.Lock()
							defer c.mu.Unlock()
							one.after(c)
						})
					}
				})
				defer forget()
				specs := map[string]drills.FaultSpec{"break": {
					VerbSpec: drills.VerbSpec{Name: "break"},
					New:      func(drills.Args) (drills.Fault, error) { return ofStore{}, nil },
					Held:     drills.HeldFor,
				}}
				events, err := followWith(t, t.Context(), c, engine.Config{
					Cluster: stored{c, store}, Scenario: script("await steady", "break postgres for=100ms", "await new-leader within=5s"), Faults: specs,
				})
				begun, ended := took(t, events, 3)
				if one.comes {
					require.NoError(t, err)
					require.Less(t, ended-begun, 20*time.Millisecond)
					return
				}
				require.ErrorContains(t, err, `no effect of a leader of "control" since the last fault was recovered`)
				require.Equal(t, 5*time.Second, ended-begun)
			})
		})
	}
}

// ofStore is a fault of the store.
type ofStore struct{ biting }

func (ofStore) Plan(context.Context, drills.Target) (drills.Undo, error) {
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{"postgres"}}, nil
}
