package runner_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/engine"
	"github.com/drillrun/drillrun/drills/runner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deadRun is the folder of a run that died with a fault in effect.
func deadRun(t *testing.T) runner.Folder {
	t.Helper()
	f := runner.Folder(t.TempDir())
	require.NoError(t, os.WriteFile(f.File(runner.ScenarioFile), nil, 0o600))
	j, err := engine.CreateJournal(f.File(runner.JournalFile))
	require.NoError(t, err)
	require.NoError(t, j.Opened("moon", "crater"))
	require.NoError(t, j.Planned("fault/1", drills.Undo{Action: drills.ActionHeal, Victims: []string{"a"}, Links: []string{"a->b"}}))
	require.NoError(t, j.Close())
	return f
}

func TestHealUndoesOnceWhatADeadRunLeft(t *testing.T) {
	f := deadRun(t)
	asked := 0
	heal := func(_ context.Context, substrate, place string) ([]string, error) {
		asked++
		require.Equal(t, "crater of the moon", place+" of the "+substrate)
		return []string{"filled it"}, nil
	}
	done, err := f.Heal(t.Context(), heal)
	require.NoError(t, err)
	require.Equal(t, []string{
		"filled it", "fault/1 (heal a->b): nothing is left to undo", "nothing of it is left on moon",
	}, done)
	done, err = f.Heal(t.Context(), heal)
	require.NoError(t, err)
	require.Empty(t, done)
	require.Equal(t, 1, asked)
}

func TestWhatCouldNotBeHealedIsTriedAgain(t *testing.T) {
	f := deadRun(t)
	stuck := errors.New("it is stuck")
	for range 2 {
		done, err := f.Heal(t.Context(), func(context.Context, string, string) ([]string, error) { return []string{"tried"}, stuck })
		require.ErrorIs(t, err, stuck)
		require.Equal(t, []string{"tried"}, done)
	}
}

func TestARunThatLivesOrNeverBeganIsNotHealed(t *testing.T) {
	never := func(context.Context, string, string) ([]string, error) { panic("there is nothing to heal") }
	alive := runner.Folder(t.TempDir())
	j, err := engine.CreateJournal(alive.File(runner.JournalFile))
	require.NoError(t, err)
	require.NoError(t, j.Opened("moon", "crater"))
	_, err = alive.Heal(t.Context(), never)
	require.ErrorIs(t, err, engine.ErrAlive)
	require.NoError(t, j.Closed())
	require.NoError(t, j.Close())
	done, err := alive.Heal(t.Context(), never)
	require.NoError(t, err)
	require.Empty(t, done, "it ended in good order")

	unborn := runner.Folder(t.TempDir())
	require.NoError(t, os.WriteFile(unborn.File(runner.ScenarioFile), nil, 0o600))
	done, err = unborn.Heal(t.Context(), never)
	require.NoError(t, err)
	require.Empty(t, done)
	_, err = runner.Folder(t.TempDir()).Heal(t.Context(), never)
	require.ErrorContains(t, err, "is not the folder of a run")
}
