package faults_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// briefly is how long a test waits for what must not come.
const briefly = 200 * time.Millisecond

// eventually waits for what a busy machine may take its time for.
func eventually(t *testing.T, is func() bool, why string) {
	t.Helper()
	require.Eventually(t, is, 10*time.Second, time.Millisecond, why)
}

func TestAPausedStoreMeetsEverybodyWithSilence(t *testing.T) {
	target := start(t)
	conn, err := connect(t, target.store(t, drills.RolePostgres))
	require.NoError(t, err)
	client := open(t, target.store(t, drills.RoleRedis))
	require.NoError(t, client.Ping(t.Context()).Err())
	for _, role := range []string{"postgres", "redis"} {
		f := newFault(t, faults.Pause(), nil, role)
		undo, evidence := bite(t, f, target)
		require.Equal(t, drills.Undo{Action: drills.ActionResume, Victims: []string{role}}, undo)
		require.Equal(t, []string{role}, evidence["silent"], "a probe past all links was not answered")
		require.NoError(t, f.Recover(t.Context()))
		require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
	}
	require.NoError(t, conn.Ping(t.Context()), "a session goes on where it was")
	require.NoError(t, client.Ping(t.Context()).Err())
	require.NoError(t, conn.Close(t.Context()))
}

func TestAPauseOfAStoreIsNotProvedWhileItAnswers(t *testing.T) {
	target := start(t)
	store := target.store(t, drills.RoleRedis)
	f := newFault(t, faults.Pause(), nil, "redis")
	_, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "redis: a probe was answered")

	require.NoError(t, f.Inject(t.Context()))
	require.NoError(t, store.(drills.Pauser).Resume(t.Context()))
	_, err = f.Await(t.Context())
	require.ErrorContains(t, err, "a probe was answered", "somebody has undone it meanwhile")
	require.NoError(t, f.Recover(t.Context()))
}
