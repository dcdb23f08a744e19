package faults_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestReadOnlyRefusesWritesInSessionsThatAreOpen(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	before, err := connect(t, store)
	require.NoError(t, err)
	_, err = before.Exec(t.Context(), "CREATE TABLE ledger (id int)")
	require.NoError(t, err)
	write := func() error {
		_, err := before.Exec(t.Context(), "INSERT INTO ledger VALUES (1)")
		return err
	}

	f := newFault(t, faults.ReadOnly(), nil, "postgres")
	undo, evidence := bite(t, f, target)
	require.Equal(t, "25006", evidence["write_refused"])
	require.NotZero(t, evidence["session_from_before"])
	eventually(t, func() bool { err = write(); return err != nil }, "every session takes the change up")
	requireRefused(t, err, "25006")
	require.NoError(t, before.Ping(t.Context()), "the session stays open, and reads are answered")
	after, err := connect(t, store)
	require.NoError(t, err)
	_, err = after.Exec(t.Context(), "INSERT INTO ledger VALUES (1)")
	requireRefused(t, err, "25006")

	_, err = newFault(t, faults.ReadOnly(), nil, "postgres").Plan(t.Context(), target)
	require.ErrorContains(t, err, "read-only already", "what is so before is no fault")

	requireHeals(t, f, undo, store)
	eventually(t, func() bool { return write() == nil }, "every session takes the end of it up")
	require.NoError(t, after.Close(t.Context()))
	require.NoError(t, before.Close(t.Context()))
}

func TestReadOnlyIsNotProvedWhileWritesAreTaken(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	f := newFault(t, faults.ReadOnly(), nil, "postgres")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "no session from before")

	require.NoError(t, f.Inject(t.Context()))
	admin, err := connect(t, store)
	require.NoError(t, err)
	for _, sql := range []string{"ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()"} {
		_, err = admin.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.NoError(t, admin.Close(t.Context()))
	eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), briefly)
		defer cancel()
		_, err = f.Await(ctx)
		return err != nil
	}, "somebody has undone it meanwhile")
	require.ErrorContains(t, err, "wait until a write is refused")
	requireHeals(t, f, undo, store)
}
