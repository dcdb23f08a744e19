package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
	"github.com/drillrun/drillrun/gates"
)

// slowBite is a fault that takes a while to inject, whatever its context says.
type slowBite struct {
	biting
	takes time.Duration
	on    *atomic.Bool
}

func (s slowBite) Inject(context.Context) error {
	<-time.After(s.takes)
	s.on.Store(true)
	return nil
}

func (s slowBite) Recover(context.Context) error {
	s.on.Store(false)
	return nil
}

// bitesAfter makes it the fault "break".
func bitesAfter(takes time.Duration) (all map[string]drills.FaultSpec, on *atomic.Bool) {
	on = &atomic.Bool{}
	return map[string]drills.FaultSpec{"break": {
		VerbSpec: drills.VerbSpec{Name: "break", Background: true},
		New:      func(drills.Args) (drills.Fault, error) { return slowBite{takes: takes, on: on}, nil },
		Held:     drills.HeldFor,
	}}, on
}

// inOrder wants the last event of each kind to come before the next one's.
func inOrder(t *testing.T, events []history.Event, kinds ...[2]string) {
	t.Helper()
	last := uint64(0)
	for _, kind := range kinds {
		found := of(events, kind[0], history.Phase(kind[1]))
		require.NotEmpty(t, found, "%v", kind)
		at := found[len(found)-1]
		require.Greater(t, at.Seq, last, "%v came too early", kind)
		last = at.Seq
	}
}

func TestARecoveryWaitsForAnInjectionThatIsUnderWay(t *testing.T) {
	for _, step := range []string{"drain", "heal", "heal replica-1", "wait 5s"} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all, on := bitesAfter(40 * time.Millisecond)
				events, err := follow(t, newToy(t), all, 1, "load jobs rate=200/s &", "await steady", "break replica-1 for=10ms &", "wait 10ms", step, "drain")
				require.NoError(t, err)
				require.False(t, on.Load(), "it is still in effect")
				inOrder(t, events, [2]string{history.OpInject, "ok"}, [2]string{history.OpRecover, "invoke"}, [2]string{history.OpRecover, "ok"}, [2]string{history.OpDrain, "invoke"})
			})
		})
	}
}

func TestWhatTheLineBeforeBreaksIsFound(t *testing.T) {
	for _, step := range []string{"drain", "heal", "heal victim"} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all, on := bitesAfter(40 * time.Millisecond)
				events, err := follow(t, newToy(t), all, 1, "await steady", "break replica-1 &", step, "drain")
				require.NoError(t, err)
				require.False(t, on.Load())
				require.Len(t, of(events, history.OpRecover, history.OK), 1)
				inOrder(t, events, [2]string{history.OpInject, "ok"}, [2]string{history.OpRecover, "ok"}, [2]string{history.OpDrain, "invoke"})
			})
		})
	}
}

func TestARestartThatADrainOvertakesLeavesNobodyDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t)
		c.parts = 300 * time.Millisecond
		events, err := follow(t, c, faults.All(), 1, "load jobs rate=200/s &", "await steady", "restart replica-3 &", "wait 50ms", "drain", "wait 600ms")
		require.NoError(t, err)
		for _, p := range c.Processes() {
			require.NotZero(t, p.Info().PID, "%s was left dead", p.Info().Name)
		}
		inOrder(t, events, [2]string{history.OpInject, "ok"}, [2]string{history.OpRecover, "ok"}, [2]string{history.OpDrain, "invoke"})
	})
}

func TestAnInjectionForWhichNobodyCouldWaitUndoesItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, on := bitesAfter(time.Minute)
		events, err := follow(t, newToy(t), all, 1, "await steady", "break replica-1 &", "drain")
		require.ErrorIs(t, err, engine.ErrScript)
		require.ErrorContains(t, err, "has not ended within")
		require.False(t, on.Load())
		require.Len(t, of(events, history.OpRecover, history.Info), 1)
		inOrder(t, events, [2]string{history.OpRecover, "info"}, [2]string{history.OpInject, "ok"}, [2]string{history.OpRecover, "ok"})
	})
}

func TestALoadOfTheLineBeforeIsOutlasted(t *testing.T) {
	for _, load := range []string{"load jobs rate=2000/s for=40ms &", "load jobs rate=2000/s &"} {
		for _, lines := range [][]string{{load, "drain"}, {load, "wait 20ms", "drain"}, {load, "stop load", "drain"}} {
			t.Run(strings.Join(lines, ", "), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					events, err := follow(t, newToy(t), faults.All(), 1, append(lines, "wait 1s")...)
					require.NoError(t, err)
					inOrder(t, events, [2]string{history.OpLoad, "ok"}, [2]string{history.OpDrain, "invoke"})
					ended, drained := of(events, history.OpLoad, history.OK)[0], of(events, history.OpDrain, history.OK)[0]
					require.GreaterOrEqual(t, drained.At-ended.At, toySettle)
				})
			})
		}
	}
}

func TestNothingBeginsWhileADrainIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all, on := bitesAfter(0)
		again := engine.Verb{
			VerbSpec: drills.VerbSpec{Name: "later", Background: true},
			Run: func(ctx context.Context, d *engine.Drill, s drills.Step) error {
				if err := engine.Pause(ctx, 10*time.Millisecond); err != nil {
					return err
				}
				_, loading := d.BeginLoad(ctx, engine.Workload{Name: "jobs", Rate: 1, Clients: 1}, time.Second)
				s.Verb = "break"
				return errors.Join(loading, d.Break(ctx, s))
			},
		}
		events, err := followWith(t, t.Context(), newToy(t), engine.Config{
			Scenario: script("later replica-1 &", "drain", "break replica-1 for=1ms", "drain"), Faults: all, Verbs: map[string]engine.Verb{"later": again},
		})
		require.ErrorIs(t, err, engine.ErrScript)
		require.ErrorContains(t, err, "a drain is under way")
		require.Empty(t, of(events, history.OpLoad, history.Invoke))
		require.Empty(t, of(events, history.OpInject, history.Invoke))
		require.False(t, on.Load())
	})
}

func TestWhatAFailedRecoveryMayHaveCostIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t)
		c.mute = true // every job is lost
		c.replicas[2].stuck = errors.New("its port is taken")
		events, err := follow(t, c, faults.All(), 1, "await steady", "kill replica-3", "load jobs rate=200/s for=200ms", "start victim")
		require.ErrorContains(t, err, "its port is taken")
		require.Len(t, of(events, history.OpRecover, history.Info), 1)
		judged := judge(t, events, err, "lost == 0")
		require.Equal(t, gates.Unknown, judged.Verdict, "%v", judged.Why)
		require.Contains(t, judged.Results[0].Why, "was not seen to recover")
	})
}

func TestWhatIsLostAfterARecoveryIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newToy(t)
		c.mute = true
		events, err := follow(t, c, faults.All(), 1, "await steady", "kill replica-3", "load jobs rate=200/s for=200ms", "start victim", "drain")
		require.NoError(t, err)
		require.Equal(t, gates.Fail, judge(t, events, err, "lost == 0").Verdict)
	})
}
