package faults_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// connect opens a session as the drilled system would.
func connect(t *testing.T, store drills.Store) (*pgx.Conn, error) {
	t.Helper()
	return pgx.Connect(t.Context(), store.URL(store.Addr()))
}

// requireRefused wants an error of Postgres with that SQLSTATE.
func requireRefused(t *testing.T, err error, sqlState string) {
	t.Helper()
	var refusal *pgconn.PgError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, sqlState, refusal.Code)
}

// requireHeals wants a fault of a store to have named that store as the one to
// heal, and to recover twice.
func requireHeals(t *testing.T, f drills.Fault, undo drills.Undo, store drills.Store) {
	t.Helper()
	require.Equal(t, drills.Undo{Action: drills.ActionHeal, Victims: []string{store.Info().Name}}, undo)
	require.NoError(t, f.Recover(t.Context()))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
}

func TestExhaustLeavesNoConnectionToAnybody(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	before, err := connect(t, store)
	require.NoError(t, err)

	f := newFault(t, faults.Exhaust(), nil, "postgres")
	undo, evidence := bite(t, f, target)
	require.Equal(t, "53300", evidence["one_more_refused"])
	require.Greater(t, evidence["connections_taken"], 90, "of 100 that the server has")
	require.NoError(t, before.Ping(t.Context()), "a session that is open goes on")
	_, err = connect(t, store)
	requireRefused(t, err, "53300")

	require.NoError(t, before.Close(t.Context()))
	eventually(t, func() bool {
		again, err := f.Await(t.Context())
		return err == nil && again["connections_taken"].(int) > evidence["connections_taken"].(int)
	}, "a slot that is given up is taken as well")

	requireHeals(t, f, undo, store)
	after, err := connect(t, store)
	require.NoError(t, err)
	require.NoError(t, after.Close(t.Context()))
}

func TestExhaustIsNotProvedWhereItTookNothing(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	f := newFault(t, faults.Exhaust(), nil, "postgres")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "no connection was taken")

	other := newFault(t, faults.Exhaust(), nil, "postgres")
	undo, _ := bite(t, other, target)
	_, err = newFault(t, faults.Exhaust(), nil, "postgres").Plan(t.Context(), target)
	requireRefused(t, err, "53300")
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "no connection was taken", "what somebody else exhausts is no proof")
	requireHeals(t, other, undo, store)
}

func TestExhaustGivesBackWhatAnUnfinishedInjectHasTaken(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RolePostgres)
	f := newFault(t, faults.Exhaust(), nil, "postgres")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	watcher, err := connect(t, store)
	require.NoError(t, err)
	injected := make(chan error)
	go func() { injected <- f.Inject(ctx) }()
	taken := func() (n int) {
		require.NoError(t, watcher.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'drillrun-%'").Scan(&n))
		return n
	}
	eventually(t, func() bool { return taken() > 5 }, "it takes some time to take them all")
	cancel()
	require.ErrorIs(t, <-injected, context.Canceled)

	requireHeals(t, f, undo, store)
	eventually(t, func() bool { return taken() == 0 }, "none of them is left")
	require.NoError(t, watcher.Close(t.Context()))
}

func TestFaultsOfStoresNameTheirStore(t *testing.T) {
	for _, spec := range []drills.FaultSpec{faults.Exhaust(), faults.ReadOnly(), faults.OOM(), faults.Flush()} {
		require.ErrorContains(t, spec.Check(drills.Args{Words: []string{"mongo"}}), `write "`+spec.Name+" ")
		require.Error(t, spec.Check(drills.Args{}))
	}
	require.ErrorContains(t, faults.Flush().Check(drills.Args{Words: []string{"postgres"}}), `write "flush redis"`)
	for _, spec := range []drills.FaultSpec{faults.Exhaust(), faults.ReadOnly()} {
		soon := drills.Args{Words: []string{"postgres"}, Options: map[string]string{"for": "soon"}}
		require.ErrorContains(t, spec.Check(soon), "not a duration")
		_, err := newFault(t, spec, nil, "postgres").Plan(t.Context(), start(t))
		require.ErrorContains(t, err, "the system has no postgres")
	}
}
