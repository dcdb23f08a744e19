package faults_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestLockRowsKeepsAStatementWaitingThatHasLookedAround(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	look, err := connect(t, store)
	require.NoError(t, err)
	_, err = look.Exec(t.Context(), `
		CREATE TABLE letters (id int, sent_in int); INSERT INTO letters VALUES (1), (2);
		CREATE TABLE terms (term int); INSERT INTO terms VALUES (7);
		SET lock_timeout = '50ms'`)
	require.NoError(t, err)
	writer, err := connect(t, store)
	require.NoError(t, err)

	f := newFault(t, faults.LockRows(), map[string]string{"table": "public.letters"}, "postgres")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context()))
	wrote := make(chan error, 1)
	go func() {
		_, err := writer.Exec(t.Context(), "SET application_name = 'writer'; UPDATE letters SET sent_in = (SELECT term FROM terms) WHERE id = 1")
		wrote <- err
	}()
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.Equal(t, drills.Evidence{"table": `"public"."letters"`, "rows_locked": int64(2), "waits": "writer"}, evidence)

	for _, sql := range []string{"SELECT * FROM letters", "INSERT INTO letters VALUES (3)", "UPDATE letters SET id = 4 WHERE id = 3", "UPDATE terms SET term = 8"} {
		_, err = look.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	_, err = look.Exec(t.Context(), "UPDATE letters SET id = 5 WHERE id = 2")
	requireRefused(t, err, "55P03")
	require.Empty(t, wrote, "it still waits")

	requireHeals(t, f, undo, store)
	require.NoError(t, <-wrote)
	sentIn := 0
	require.NoError(t, look.QueryRow(t.Context(), "SELECT sent_in FROM letters WHERE id = 1").Scan(&sentIn))
	require.Equal(t, 7, sentIn, "it goes on with what it has seen before it waited")
	_, err = look.Exec(t.Context(), "UPDATE letters SET id = 5 WHERE id = 2")
	require.NoError(t, err)
	require.NoError(t, writer.Close(t.Context()))
	require.NoError(t, look.Close(t.Context()))
}

func TestLockRowsIsNotProvedWhileNobodyWaits(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	conn, err := connect(t, store)
	require.NoError(t, err)
	f := newFault(t, faults.LockRows(), map[string]string{"table": "letters"}, "postgres")
	_, err = f.Plan(t.Context(), target)
	requireRefused(t, err, "42P01") // there is no such table
	_, err = conn.Exec(t.Context(), "CREATE TABLE letters (id int)")
	require.NoError(t, err)
	_, err = f.Plan(t.Context(), target)
	require.ErrorContains(t, err, "no rows to lock")

	_, err = conn.Exec(t.Context(), "INSERT INTO letters VALUES (1), (2)")
	require.NoError(t, err)
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "no row of")
	require.NoError(t, f.Inject(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	awaited := make(chan error, 1)
	go func() {
		_, err := f.Await(ctx)
		awaited <- err
	}()
	eventually(t, func() bool {
		looks := 0
		require.NoError(t, conn.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'drillrun-%' AND query LIKE '%blocking_pids%'").Scan(&looks))
		return looks == 1
	}, "it looks for somebody who waits")
	require.Empty(t, awaited)
	cancel()
	err = <-awaited
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "somebody waits")

	other := newFault(t, faults.LockRows(), map[string]string{"table": "letters"}, "postgres")
	_, err = other.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, other.Inject(t.Context()), "it waits for nobody")
	_, err = other.Await(t.Context())
	require.ErrorContains(t, err, "no row of", "what somebody else holds is no proof")
	require.NoError(t, other.Recover(t.Context()))
	requireHeals(t, f, undo, store)
	require.NoError(t, conn.Close(t.Context()))
}

func TestLockRowsWantsATable(t *testing.T) {
	require.ErrorContains(t, faults.LockRows().Check(drills.Args{Words: []string{"postgres"}}), "table=NAME")
}
