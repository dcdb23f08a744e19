package faults_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

func TestTerminateBackendEndsTheSessionThatHoldsALock(t *testing.T) {
	target := start(t, "replica-1")
	store := target.store(t, drills.RolePostgres)
	f := newFault(t, faults.TerminateBackend(), nil, "replica-1")
	_, err := f.Plan(t.Context(), target)
	require.ErrorContains(t, err, "holds no advisory lock")

	config, err := pgx.ParseConfig(store.URL(store.Addr()))
	require.NoError(t, err)
	config.RuntimeParams["application_name"] = "system/replica-1/lock"
	holder, err := pgx.ConnectConfig(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, holder.Close(t.Context())) }()
	_, err = holder.Exec(t.Context(), "SELECT pg_advisory_lock(1)")
	require.NoError(t, err)

	f = newFault(t, faults.TerminateBackend(), nil, "replica-1")
	undo, evidence := bite(t, f, target)
	require.Equal(t, drills.ActionNone, undo.Action)
	require.Equal(t, []int32{int32(holder.PgConn().PID())}, evidence["terminated_backends"])
	require.Error(t, holder.Ping(t.Context()), "the session is gone")
	require.NoError(t, f.Recover(t.Context()))
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
}

func TestTerminateBackendCanTakeOneLeadershipAlone(t *testing.T) {
	target := start(t, "replica-1")
	store := target.store(t, drills.RolePostgres)
	taken, err := pgx.Connect(t.Context(), store.URL(store.Addr()))
	require.NoError(t, err)
	kept, err := pgx.Connect(t.Context(), store.URL(store.Addr()))
	require.NoError(t, err)
	defer func() { require.NoError(t, kept.Close(t.Context())) }()
	target.led = []drills.Leadership{
		{Key: "main", Replica: "replica-1", Term: 1, Session: int32(kept.PgConn().PID())},
		{Key: "healing", Replica: "replica-1", Term: 1, Session: int32(taken.PgConn().PID())},
		{Key: "log", Replica: "replica-1", Term: 1},
	}
	_, err = newFault(t, faults.TerminateBackend(), nil, "leader/log").Plan(t.Context(), target)
	require.ErrorContains(t, err, "nobody holds it by one")

	undo, evidence := bite(t, newFault(t, faults.TerminateBackend(), nil, "leader/healing"), target)
	require.Equal(t, "healing", undo.Leadership)
	require.Equal(t, []string{"replica-1"}, undo.Victims)
	require.Equal(t, []int32{int32(taken.PgConn().PID())}, evidence["terminated_backends"])
	require.Error(t, taken.Ping(t.Context()))
	require.NoError(t, kept.Ping(t.Context()))
}

func TestFlushIsProvedByTheKeysThatWereThere(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RoleRedis)
	empty := newFault(t, faults.Flush(), nil, "redis")
	_, err := empty.Plan(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, empty.Inject(t.Context()))
	_, err = empty.Await(t.Context())
	require.ErrorContains(t, err, "nothing was lost", "a flush of nothing proves nothing")

	options, err := redis.ParseURL(store.URL(store.Addr()))
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { require.NoError(t, client.Close()) }()
	require.NoError(t, client.Set(t.Context(), "a", 1, 0).Err())
	_, evidence := bite(t, newFault(t, faults.Flush(), nil, "redis"), target)
	require.Equal(t, drills.Evidence{"keys_before": int64(1), "keys_after": int64(0)}, evidence)
	require.ErrorIs(t, client.Get(t.Context(), "a").Err(), redis.Nil)
}

func TestFlushIsForRedis(t *testing.T) {
	require.ErrorContains(t, faults.Flush().Check(drills.Args{Words: []string{"postgres"}}), "flush redis")
}

func TestAStoreThatNobodyCanLogInToIsNotSpokenTo(t *testing.T) {
	target := start(t)
	target.launch(t, drills.ProcessSpec{Name: "cache", Role: drills.RoleRedis, Env: []string{victimMark + "=1"}})
	_, err := newFault(t, faults.Flush(), nil, "redis").Plan(t.Context(), target)
	require.ErrorIs(t, err, drills.ErrUnsupported)
	require.ErrorContains(t, err, "nobody says how to log in to cache: the manifest may have its url")
}
