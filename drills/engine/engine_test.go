package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
)

func TestAFaultIsPlannedProvedAndRecovered(t *testing.T) {
	events, err := follow(t, newToy(t), faults.All(), 1,
		"load jobs rate=200/s &", "await steady", "kill leader", "await new-leader", "start victim", "stop load", "drain")
	require.NoError(t, err)
	require.Len(t, of(events, history.OpPlan, history.OK), 1)
	proved := of(events, history.OpInject, history.OK)
	require.Len(t, proved, 1)
	fault, err := history.Decode[history.Fault](&proved[0])
	require.NoError(t, err)
	require.Equal(t, []string{"replica-1"}, fault.Victims)
	require.Equal(t, "start", fault.Undo)
	require.NotEmpty(t, fault.Evidence)
	require.Len(t, of(events, history.OpRecover, history.OK), 1)
	drained := of(events, history.OpDrain, history.OK)
	require.Len(t, drained, 1)
	drain, err := history.Decode[history.Drain](&drained[0])
	require.NoError(t, err)
	require.True(t, drain.Complete)
	require.Zero(t, drain.Outstanding)
}

func TestEveryFaultIsHealedWhenAStepFails(t *testing.T) {
	c := newToy(t)
	events, err := follow(t, c, faults.All(), 1, "await steady", "kill all", "await steady within=30ms", "wait 1h")
	require.ErrorIs(t, err, engine.ErrScript)
	require.Len(t, of(events, history.OpRecover, history.OK), 1)
	for _, p := range c.Processes() {
		require.NotZero(t, p.Info().PID, "%s was left dead", p.Info().Name)
	}
	require.Len(t, of(events, history.OpDrain, history.OK), 1, "what was lost is worth knowing after a failed step too")
}

func TestEveryFaultIsHealedWhenTheDrillIsInterrupted(t *testing.T) {
	c := newToy(t)
	ctx, cancel := context.WithCancel(t.Context())
	stop := c.log.Observe(func(e *history.Event) {
		if e.Op == history.OpInject && e.Phase == history.OK {
			cancel()
		}
	})
	defer stop()
	events, err := followWithin(t, ctx, c, faults.All(), 1, "load jobs &", "await steady", "kill follower", "wait 1h")
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, of(events, history.OpRecover, history.OK), 1)
	require.Empty(t, of(events, history.OpDrain, history.OK))
}

func TestAFailedRecoveryIsWrittenDown(t *testing.T) {
	c := newToy(t)
	c.replicas[0].stuck = errors.New("will not start")
	events, err := follow(t, c, faults.All(), 1, "await steady", "kill leader", "start victim")
	require.ErrorIs(t, err, engine.ErrScript)
	require.ErrorContains(t, err, "will not start")
	require.Len(t, of(events, history.OpRecover, history.Info), 1)
}

func TestAFaultWithoutProofIsIndeterminate(t *testing.T) {
	unproved := map[string]drills.FaultSpec{"break": {
		VerbSpec: drills.VerbSpec{Name: "break"},
		New:      func(drills.Args) (drills.Fault, error) { return vain{}, nil },
	}}
	events, err := follow(t, newToy(t), unproved, 1, "break replica-1", "drain")
	require.ErrorIs(t, err, engine.ErrIndeterminate)
	require.Len(t, of(events, history.OpInject, history.Info), 1)
	require.Empty(t, of(events, history.OpInject, history.OK))
	require.Len(t, of(events, history.OpRecover, history.OK), 1, "what may be in effect is recovered")
}

// vain is a fault that never bites.
type vain struct{}

func (vain) Plan(context.Context, drills.Target) (drills.Undo, error) {
	return drills.Undo{Action: drills.ActionHeal, Victims: []string{"replica-1"}}, nil
}
func (vain) Inject(context.Context) error { return nil }
func (vain) Await(context.Context) (drills.Evidence, error) {
	return nil, errors.New("nothing has changed")
}
func (vain) Recover(context.Context) error { return nil }

func TestTwoFaultsNeverHoldOneVictim(t *testing.T) {
	_, err := follow(t, newToy(t), map[string]drills.FaultSpec{"break": held()}, 1, "break replica-1", "break replica-1")
	require.ErrorContains(t, err, "already held")
}

func held() drills.FaultSpec {
	return drills.FaultSpec{
		VerbSpec: drills.VerbSpec{Name: "break"},
		New:      func(drills.Args) (drills.Fault, error) { return biting{}, nil },
	}
}

type biting struct{ vain }

func (biting) Await(context.Context) (drills.Evidence, error) {
	return drills.Evidence{"seen": true}, nil
}

func TestAPanicOfAVerbIsAFailedStep(t *testing.T) {
	panicking := map[string]drills.FaultSpec{"break": {New: func(drills.Args) (drills.Fault, error) { panic("oh no") }}}
	for _, line := range []string{"break it", "break it &"} {
		_, err := follow(t, newToy(t), panicking, 1, line, "wait 20ms", "drain")
		require.ErrorIs(t, err, engine.ErrScript, line)
		require.ErrorContains(t, err, "oh no", line)
	}
}

func TestOutcomesOfSubmissions(t *testing.T) {
	cases := map[string]struct {
		answer error
		ok     int
		phase  history.Phase
	}{
		"acknowledged ones are ok":                     {answer: nil, phase: history.OK},
		"certain refusals are fails":                   {answer: fmt.Errorf("full: %w", drills.ErrRejected), phase: history.Fail},
		"anything else leaves the outcome open (info)": {answer: errors.New("timed out"), phase: history.Info},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			toy := newToy(t)
			toy.refuse = c.answer
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if c.answer != nil { // else a client would try for ten seconds
				time.AfterFunc(300*time.Millisecond, cancel)
			}
			events, err := followWithin(t, ctx, toy, faults.All(), 1, "load jobs rate=500/s for=100ms")
			if c.answer == nil {
				require.NoError(t, err)
			}
			require.NotEmpty(t, of(events, history.OpSubmit, history.Invoke))
			require.Len(t, of(events, history.OpSubmit, c.phase), len(of(events, history.OpSubmit, history.Invoke)))
		})
	}
}

func TestADrainGivesUpAfterTwoSettlesAndSaysWhatIsLeft(t *testing.T) {
	toy := newToy(t)
	toy.mute = true
	events, err := follow(t, toy, faults.All(), 1, "load jobs rate=500/s for=50ms", "drain")
	require.NoError(t, err)
	drained := of(events, history.OpDrain, history.OK)
	require.Len(t, drained, 1)
	drain, err := history.Decode[history.Drain](&drained[0])
	require.NoError(t, err)
	require.True(t, drain.Complete)
	require.Positive(t, drain.Outstanding)
}

// counting is a toy that can be looked into.
type counting struct {
	*toy
	name  string
	looks atomic.Int64 // at which there is something left
}

func (c *counting) Inspect(context.Context) (drills.Snapshot, error) {
	return drills.Snapshot{c.name: max(0, c.looks.Add(-1))}, nil
}

func TestADrainWaitsForWhatIsUnderWay(t *testing.T) {
	for _, name := range []string{history.CountUnfinished, history.CountPending, history.CountQueued} {
		for what, looks := range map[string]int64{"until it is gone": 4, "for two settles at most": 1 << 40} {
			t.Run(name+" "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &counting{toy: newToy(t), name: name}
					c.looks.Store(looks)
					events, err := followWith(t, t.Context(), c.toy, engine.Config{
						Scenario: script("load jobs rate=500/s for=50ms", "drain"), Faults: faults.All(), Seed: 1, Cluster: c,
					})
					require.NoError(t, err)
					snapshots := of(events, history.OpSnapshot, history.OK)
					rest, err := history.Decode[history.Snapshot](&snapshots[len(snapshots)-1])
					require.NoError(t, err)
					require.Equal(t, looks > 4, rest[name] > 0, "%v", rest)
				})
			})
		}
	}
}

func TestTheSameSeedGivesTheSameDrill(t *testing.T) {
	shape := func(seed uint64) (shape []string) {
		events, err := follow(t, newToy(t), faults.All(), seed,
			"load jobs rate=300/s work=1ms..90ms for=100ms", "await steady", "wait 1ms..20ms", "kill follower", "start victim", "kill any", "start victim")
		require.NoError(t, err)
		for _, e := range of(events, history.OpPlan, history.OK) {
			shape = append(shape, string(e.Detail))
		}
		return append(shape, schedule(t, events, 10)...)
	}
	first, again, other := shape(7), shape(7), shape(8)
	require.Equal(t, first, again)
	require.NotEqual(t, first, other)
}

// schedule is when the first n submissions were meant to be sent, after the
// first one. They are written down in the order in which they were sent, which
// the machine decides.
func schedule(t *testing.T, events []history.Event, n int) (shape []string) {
	t.Helper()
	intended := map[string]time.Duration{}
	for _, e := range of(events, history.OpSubmit, history.Invoke) {
		submit, err := history.DecodeSubmit(&e)
		require.NoError(t, err)
		_, number, _ := strings.Cut(e.Key, "-1-")
		intended[number] = submit.Intended
	}
	require.GreaterOrEqual(t, len(intended), n)
	for i := range n {
		shape = append(shape, fmt.Sprint(i, intended[strconv.Itoa(i)]-intended["0"]))
	}
	return shape
}

func TestAPauseEndsWithItsContext(t *testing.T) {
	require.NoError(t, engine.Pause(t.Context(), 0))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, engine.Pause(ctx, time.Hour), context.Canceled)
}

func TestAWaitSaysWhatWasMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		toy := newToy(t)
		toy.mute = true
		_, err := follow(t, toy, faults.All(), 1, "load jobs rate=500/s for=50ms", "await idle within=20ms")
		var expired *engine.ExpiredError
		require.ErrorAs(t, err, &expired)
		require.ErrorContains(t, err, "not within 20ms: ")
		require.ErrorContains(t, err, "acknowledged jobs have no effect yet")
	})
}

func TestADrainWaitsForARecoveryThatIsUnderWay(t *testing.T) {
	slow := map[string]drills.FaultSpec{"break": {
		VerbSpec: drills.VerbSpec{Name: "break", Background: true},
		New:      func(drills.Args) (drills.Fault, error) { return slowly{}, nil },
		Held:     drills.HeldFor,
	}}
	events, err := follow(t, newToy(t), slow, 1, "break replica-1 for=10ms &", "wait 60ms", "drain")
	require.NoError(t, err)
	recovered, drained := of(events, history.OpRecover, history.OK), of(events, history.OpDrain, history.Invoke)
	require.Len(t, recovered, 1)
	require.Len(t, drained, 1)
	require.Less(t, recovered[0].Seq, drained[0].Seq)
}

// slowly is a fault whose recovery takes a while.
type slowly struct{ biting }

func (slowly) Recover(ctx context.Context) error { return engine.Pause(ctx, 150*time.Millisecond) }

func TestAFaultThatTheScriptForgetsIsRecoveredAtItsDeadline(t *testing.T) {
	c := newToy(t)
	events, err := followWith(t, t.Context(), c, engine.Config{
		Scenario: script("await steady", "kill follower", "wait 1h"), Faults: faults.All(), Deadline: 50 * time.Millisecond,
	})
	require.ErrorIs(t, err, engine.ErrScript)
	require.ErrorContains(t, err, "the longest allowed")
	require.Len(t, of(events, history.OpRecover, history.OK), 1)
	for _, p := range c.Processes() {
		require.NotZero(t, p.Info().PID)
	}
}

func TestAFaultThatIsRecoveredInTimeMissesNoDeadline(t *testing.T) {
	_, err := followWith(t, t.Context(), newToy(t), engine.Config{
		Scenario: script("await steady", "kill follower", "start victim", "wait 120ms", "drain"), Faults: faults.All(), Deadline: 60 * time.Millisecond,
	})
	require.NoError(t, err)
}

func TestADrillIsAbortedHealedAndNotDrained(t *testing.T) {
	c := newToy(t)
	var hit atomic.Bool
	forget := c.log.Observe(func(e *history.Event) {
		if e.Op == history.OpInject && e.Phase == history.OK {
			hit.Store(true)
		}
	})
	defer forget()
	events, err := followWith(t, t.Context(), c, engine.Config{
		Scenario: script("await steady", "kill follower", "wait 1h"), Faults: faults.All(),
		Abort: func() string {
			if hit.Load() {
				return "lost > 0"
			}
			return ""
		},
	})
	require.ErrorIs(t, err, engine.ErrScript)
	require.ErrorContains(t, err, "aborted when lost > 0")
	require.Len(t, of(events, history.OpRecover, history.OK), 1)
	require.Empty(t, of(events, history.OpDrain, history.Invoke))
}
