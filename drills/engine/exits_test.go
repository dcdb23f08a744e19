package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/engine/verbs"
	"github.com/drillrun/drillrun/drills/history"
)

// dying is a toy of one replica, which ends as soon as somebody listens.
type dying struct{ *toy }

func (c dying) Processes() []drills.Process { return []drills.Process{mortal{c.replicas[0]}} }

type mortal struct{ *toyReplica }

func (mortal) OnExit(f func(drills.Exit)) {
	f(drills.Exit{Code: -1, Signal: "killed", OutOfMemory: true})
	f(drills.Exit{Code: 3})
}

func TestEveryEndOfAProcessIsRecordedWithItsCause(t *testing.T) {
	c := newToy(t)
	journal, err := engine.CreateJournal(filepath.Join(t.TempDir(), "undo.jsonl"))
	require.NoError(t, err)
	defer func() { require.NoError(t, journal.Close()) }()
	var exits []history.Exit
	forget := c.log.Observe(func(e *history.Event) {
		if e.Op != history.OpExit {
			return
		}
		x, err := history.Decode[history.Exit](e)
		require.NoError(t, err)
		require.Equal(t, "replica-1", e.Actor)
		exits = append(exits, x)
	})
	view, stop := engine.Watch(c.log)
	defer stop()
	pulse, rest := engine.TakePulse(c.log)
	defer rest()
	require.NoError(t, engine.Run(t.Context(), engine.Config{
		Scenario: script(), Cluster: dying{c}, Log: c.log, View: view, Pulse: pulse, Journal: journal, Verbs: verbs.All(),
	}))
	forget()
	require.Equal(t, []history.Exit{{Code: -1, Signal: "killed", OutOfMemory: true}, {Code: 3}}, exits)
}
