package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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

func TestAFileThatSomebodyElseMadeStaysAsItIs(t *testing.T) {
	const planned = `{"state":"planned","fault":"fault/1","undo":{}}` + "\n"
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		why  string
	}{
		"a text without an end of its last line": {"one\ntwo", 0o600, "line "},
		"a binary":                               {"\x7fELF\x00", 0o600, "is none of a journal"},
		"a journal that others may write to":     {planned, 0o620, "others may write to it"},
		"a journal with something behind it":     {planned + "and more", 0o600, "is none of a journal"},
		"a line that never ends":                 {strings.Repeat("a", 17<<20), 0o600, "are the most"},
	} {
		path := filepath.Join(t.TempDir(), "undo.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
		require.NoError(t, os.Chmod(path, c.mode))
		_, _, err := engine.ReopenJournal(path)
		require.ErrorContains(t, err, c.why, name)
		require.Less(t, len(err.Error()), 1000, name)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Len(t, text, len(c.text), name)
		require.True(t, strings.HasPrefix(c.text, string(text)), name)
	}
}

func TestAJournalIsNotFollowedAnywhere(t *testing.T) {
	dir := t.TempDir()
	for name, make := range map[string]func(path string) error{
		"link":   func(path string) error { return os.Symlink(deadJournal(t), path) },
		"name":   func(path string) error { return os.Link(deadJournal(t), path) },
		"device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
	} {
		path := filepath.Join(dir, name)
		require.NoError(t, make(path), name)
		_, _, err := engine.ReopenJournal(path)
		require.ErrorIs(t, err, engine.ErrForeign, name)
	}
	_, _, err := engine.ReopenJournal(dir)
	require.Error(t, err, "a folder")
}

func TestAJournalOfAnotherUserIsForeign(t *testing.T) {
	path := deadJournal(t)
	if os.Geteuid() != 0 {
		require.NoError(t, os.Chmod(path, 0o666)) // as near as one comes
	} else {
		require.NoError(t, os.Chown(path, 12345, 12345))
	}
	_, _, err := engine.ReopenJournal(path)
	require.ErrorIs(t, err, engine.ErrForeign)
	if os.Geteuid() == 0 {
		t.Setenv("SUDO_UID", "12345")
		j, _ := reopen(t, path)
		require.NoError(t, j.Close())
	}
}
