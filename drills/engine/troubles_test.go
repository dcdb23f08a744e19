package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/history"
	"github.com/drillrun/drillrun/faults"
	"github.com/drillrun/drillrun/gates"
)

var noDescriptors = os.NewSyscallError("socket", syscall.EMFILE)

// starved is a link whose harness has no descriptors left.
type starved struct{ times int }

func (starved) Ends() (from, to string)                           { return "replica-1", "witness" }
func (starved) Addr() string                                      { return "" }
func (starved) Degrade(context.Context, drills.Degradation) error { return nil }
func (starved) Heal(context.Context) error                        { return nil }

func (l starved) OnTrouble(tell func(what string, err error)) {
	for range l.times {
		tell("accept a connection", noDescriptors)
	}
}

func TestWhatTheHarnessLacksIsTroubleOfItsOwn(t *testing.T) {
	for name, starve := range map[string]func(*toy){
		"a link":             func(c *toy) { c.links = []drills.Link{starved{5}} },
		"a client of ours":   func(c *toy) { c.refuse = fmt.Errorf("submit: %w", noDescriptors) },
		"neither of the two": func(*toy) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newToy(t)
				c.mute = true
				starve(c)
				events, err := follow(t, c, faults.All(), 1, "await steady", "load jobs rate=100/s for=1s", "drain")
				require.NoError(t, err)
				verdict := judge(t, events, err, "lost == 0")
				troubles := of(events, history.OpTrouble, history.Info)
				if name == "neither of the two" {
					require.Empty(t, troubles)
					require.Equal(t, gates.Fail, verdict.Verdict)
					return
				}
				require.Equal(t, gates.Unknown, verdict.Verdict, "%v", verdict.Results)
				require.GreaterOrEqual(t, len(troubles), 3)
				require.LessOrEqual(t, len(troubles), 15, "the first, and each that has doubled their number")
				require.Contains(t, troubles[0].Err, "too many open files")
			})
		})
	}
}

// crashing is a toy whose clients panic.
type crashing struct{ *toy }

func (c crashing) Open(ctx context.Context, replica string) (drills.Client, error) {
	_, err := c.toy.Open(ctx, replica)
	return crashingClient{}, err
}

type crashingClient struct{}

func (crashingClient) Do(context.Context, drills.Op) (json.RawMessage, error) { panic("out of luck") }
func (crashingClient) Close() error                                           { return nil }

func TestAPanicOfASubmissionIsAFailedStep(t *testing.T) {
	for _, load := range []string{"load jobs rate=200/s", "load jobs rate=200/s &"} {
		synctest.Test(t, func(t *testing.T) {
			c := newToy(t)
			events, err := followWith(t, t.Context(), c, engine.Config{
				Cluster: crashing{c}, Scenario: script("kill replica-3", load, "wait 1s", "start victim"), Faults: faults.All(),
			})
			require.ErrorIs(t, err, engine.ErrScript)
			require.ErrorContains(t, err, "it panicked: out of luck")
			require.Len(t, of(events, history.OpRecover, history.OK), 1)
		})
	}
}

func TestAPanicOfAnAbortConditionBreaksTheScriptOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := followWith(t, t.Context(), newToy(t), engine.Config{
			Scenario: script("kill replica-3", "wait 1h"), Faults: faults.All(), Abort: func() string { panic("out of luck") },
		})
		require.ErrorIs(t, err, engine.ErrScript)
		require.ErrorContains(t, err, "it panicked: out of luck")
		require.Len(t, of(events, history.OpRecover, history.OK), 1)
	})
}

func TestAPanicOfAFaultLeavesItIndeterminate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, err := follow(t, newToy(t), map[string]drills.FaultSpec{"break": {
			VerbSpec: drills.VerbSpec{Name: "break"},
			New:      func(drills.Args) (drills.Fault, error) { return crashingFault{}, nil },
		}}, 1, "break replica-1", "drain")
		require.ErrorIs(t, err, engine.ErrIndeterminate)
		require.Len(t, of(events, history.OpInject, history.Info), 1)
		require.Len(t, of(events, history.OpRecover, history.OK), 1)
	})
}

type crashingFault struct{ vain }

func (crashingFault) Inject(context.Context) error { panic("out of luck") }
