package engine_test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
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
