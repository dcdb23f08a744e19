package docker_test

import (
	"context"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// TestWhatEndsFromOutsideIsTold removes and stops containers behind the back of a
// drill, whose record must say so: what follows is not the system's doing.
func TestWhatEndsFromOutsideIsTold(t *testing.T) {
	engine := images(t)
	s := newSubstrate(t, open(t))
	for _, c := range []struct {
		name string
		end  func(id string) error
	}{
		{"removed", func(id string) error {
			_, err := engine.ContainerRemove(t.Context(), id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
			return err
		}},
		{"stopped", func(id string) error {
			_, err := engine.ContainerStop(t.Context(), id, client.ContainerStopOptions{})
			return err
		}},
	} {
		store, err := s.Store(t.Context(), c.name, drills.RoleRedis)
		require.NoError(t, err)
		ended := make(chan drills.Exit, 1)
		store.(drills.Exiter).OnExit(func(e drills.Exit) { ended <- e })
		found, err := engine.ContainerList(t.Context(), client.ContainerListOptions{
			Filters: make(client.Filters).Add("label", "io.drillrun.lock="+s.(drills.Placed).Place()).Add("label", "io.drillrun.name="+c.name),
		})
		require.NoError(t, err)
		require.Len(t, found.Items, 1)
		require.NoError(t, c.end(found.Items[0].ID))
		select {
		case e := <-ended:
			t.Logf("%s: %+v", c.name, e)
			require.True(t, e.Code != 0 || e.Signal != "" || c.name == "stopped", "%+v", e)
		case <-time.After(patience):
			require.Fail(t, "its end is not told", c.name)
		}
		require.Zero(t, store.Info().PID)
		require.ErrorIs(t, store.Kill(t.Context()), drills.ErrNotRunning)
	}
	require.NoError(t, s.Close(context.WithoutCancel(t.Context())), "what is gone needs no removing")
}
