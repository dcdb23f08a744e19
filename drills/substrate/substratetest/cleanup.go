package substratetest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// requireGone wants the kernel to know no such process any more.
func requireGone(t *testing.T, pid int) {
	t.Helper()
	require.Positive(t, pid)
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "process %d lives", pid)
}

// requireLives wants the kernel to know it, whoever's it is.
func requireLives(t *testing.T, pid int) {
	t.Helper()
	require.Positive(t, pid)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.EPERM) {
		require.NoError(t, err, "process %d", pid)
	}
}

// cleanup closes a substrate with processes in every state.
func (s suite) cleanup(t *testing.T) {
	sub, here := s.substrate(t), harness(t)
	var processes []drills.Process
	var addrs []string
	for _, state := range []string{"running", "frozen", "dead"} {
		r := launch(t, sub, state)
		processes = append(processes, r.Process)
		addrs = append(addrs, r.Addr(prober.ControlPort), r.Addr(prober.DataPort), r.control.Addr())
		for _, role := range []drills.Role{drills.RolePostgres, drills.RoleRedis} {
			store, err := sub.Store(t.Context(), fmt.Sprintf("%s-%s", role, state), role)
			require.NoError(t, err)
			processes = append(processes, store)
			addrs = append(addrs, store.Addr())
		}
	}
	var pids []int
	for i, p := range processes {
		requireLives(t, p.Info().PID)
		pids = append(pids, p.Info().PID)
		s.bring(t, p, i)
	}
	l := link(t, sub, drills.LinkSpec{From: "clients", To: "witness", Upstream: here.Addr()})
	c := route{Link: l, near: here, far: here}.connect(t)

	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, sub.Close(interrupted), "a drill that was interrupted is cleaned up as well")
	require.NoError(t, sub.Close(t.Context()), "twice")
	for _, pid := range pids {
		requireGone(t, pid)
	}
	for _, addr := range append(addrs, l.Addr()) {
		requireRefuses(t, addr)
	}
	require.Equal(t, prober.Closed, c.near.receive(t, 1, patience).End)
	for _, p := range processes {
		require.Zero(t, p.Info().PID, p.Info().Name)
		require.Error(t, p.Start(t.Context()), p.Info().Name)
	}
	requireClosed(t, sub, l)
}

// bring brings a process into one state: three stay as they are, three are
// frozen, three die.
func (s suite) bring(t *testing.T, p drills.Process, i int) {
	t.Helper()
	_, unpausable := s.lacks[Pause]
	switch state := i / 3; {
	case state == 1 && !unpausable:
		require.NoError(t, able[drills.Pauser](t, p).Pause(t.Context()))
	case state == 2:
		require.NoError(t, p.Kill(t.Context()))
	}
}

// requireClosed wants every call to be refused.
func requireClosed(t *testing.T, sub drills.Substrate, l drills.Link) {
	t.Helper()
	_, err := sub.Store(t.Context(), "late", drills.RoleRedis)
	require.ErrorIs(t, err, drills.ErrClosed)
	spec, err := prober.Spec("late-too", grace)
	require.NoError(t, err)
	_, err = sub.Launch(t.Context(), spec)
	require.ErrorIs(t, err, drills.ErrClosed)
	_, err = sub.Link(t.Context(), drills.LinkSpec{From: "clients", To: "nobody", Upstream: "127.0.0.1:1"})
	require.ErrorIs(t, err, drills.ErrClosed)
	require.Error(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
}
