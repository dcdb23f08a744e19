package engine_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
)

// deadJournal is the journal of a run that planned two faults, recovered the
// first, and died.
func deadJournal(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "undo.jsonl")
	j, err := engine.CreateJournal(path)
	require.NoError(t, err)
	require.NoError(t, j.Opened("local", "/tmp/somewhere"))
	require.NoError(t, j.Planned("fault/1", drills.Undo{Action: drills.ActionStart, Victims: []string{"replica-1"}}))
	require.NoError(t, j.Planned("fault/2", drills.Undo{Action: drills.ActionResume, Victims: []string{"replica-2"}}))
	require.NoError(t, j.Recovered("fault/1"))
	_, _, err = engine.ReopenJournal(path)
	require.ErrorIs(t, err, engine.ErrAlive)
	require.NoError(t, j.Close())
	return path
}

func reopen(t *testing.T, path string) (*engine.Journal, engine.Left) {
	t.Helper()
	j, left, err := engine.ReopenJournal(path)
	require.NoError(t, err)
	return j, left
}

func requireNothingLeft(t *testing.T, path string) {
	t.Helper()
	j, left := reopen(t, path)
	require.Zero(t, left)
	require.NoError(t, j.Close())
}

func TestAJournalTellsWhatADeadRunLeft(t *testing.T) {
	path := deadJournal(t)
	j, left := reopen(t, path)
	require.Equal(t, "local", left.Substrate)
	require.Equal(t, "/tmp/somewhere", left.Place)
	require.Len(t, left.Faults, 1)
	require.Equal(t, "fault/2", left.Faults[0].Fault)
	require.Equal(t, drills.ActionResume, left.Faults[0].Undo.Action)
	_, _, err := engine.ReopenJournal(path)
	require.ErrorIs(t, err, engine.ErrAlive, "two may not heal the same run at once")

	require.NoError(t, j.Healed("fault/2"))
	require.NoError(t, j.Close())
	j, left = reopen(t, path)
	require.Empty(t, left.Faults)
	require.Equal(t, "local", left.Substrate, "the substrate is not closed yet")
	require.NoError(t, j.Closed())
	require.NoError(t, j.Close())
	requireNothingLeft(t, path)
}

func TestALineThatDeathCutOffIsNoLine(t *testing.T) {
	path := deadJournal(t)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, append(text, `{"state":"planned","fau`...), 0o600))
	j, left := reopen(t, path)
	require.Len(t, left.Faults, 1)
	require.NoError(t, j.Closed())
	require.NoError(t, j.Close())
	requireNothingLeft(t, path)
}

func TestAJournalThatIsNoneIsRefused(t *testing.T) {
	for _, text := range []string{"hello\n", `{"state":"planned","fault":"fault/1"}` + "\n", `{"state":"undone"}` + "\n"} {
		path := filepath.Join(t.TempDir(), "undo.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, _, err := engine.ReopenJournal(path)
		require.ErrorContains(t, err, "line ")
	}
	_, err := engine.CreateJournal(deadJournal(t))
	require.ErrorIs(t, err, os.ErrExist)
}
