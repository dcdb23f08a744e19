package faults_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestLockTableKeepsWritersOfOneTableWaiting(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	conn, err := connect(t, store)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), "CREATE TABLE letters (id int); CREATE TABLE other (id int); SET lock_timeout = '50ms'")
	require.NoError(t, err)
	write := func(table string) error {
		_, err := conn.Exec(t.Context(), "INSERT INTO "+table+" VALUES (1)")
		return err
	}

	f := newFault(t, faults.LockTable(), map[string]string{"table": "letters"}, "postgres")
	undo, evidence := bite(t, f, target)
	require.Equal(t, `"letters"`, evidence["table"])
	requireRefused(t, write("letters"), "55P03")
	require.NoError(t, write("other"))
	_, err = conn.Exec(t.Context(), "SELECT * FROM letters")
	require.NoError(t, err, "reads are answered")

	_, err = newFault(t, faults.LockTable(), map[string]string{"table": "public.letters"}, "postgres").Plan(t.Context(), target)
	require.ErrorContains(t, err, "locked already", "what is so before is no fault")

	requireHeals(t, f, undo, store)
	require.NoError(t, write("letters"))
	require.NoError(t, conn.Close(t.Context()))
}

func TestLockTableIsNotProvedWhileAWriteCouldBegin(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	conn, err := connect(t, store)
	require.NoError(t, err)
	f := newFault(t, faults.LockTable(), map[string]string{"table": "letters"}, "postgres")
	_, err = f.Plan(t.Context(), target)
	requireRefused(t, err, "42P01") // there is no such table

	_, err = conn.Exec(t.Context(), "CREATE TABLE letters (id int)")
	require.NoError(t, err)
	_, err = f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "could begin")
	require.NoError(t, conn.Close(t.Context()))
}

func TestLockTableWantsATable(t *testing.T) {
	for _, table := range []string{"", "a b", "letters;drop", "a.b.c"} {
		require.Error(t, faults.LockTable().Check(drills.Args{Words: []string{"postgres"}, Options: map[string]string{"table": table}}), table)
	}
}
