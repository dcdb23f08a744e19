package substratetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// detaching takes a replica off its network: nobody reaches it, and it reaches
// nobody.
func (s suite) detaching(t *testing.T) {
	sub := s.substrate(t)
	r, here := launch(t, sub, "detached"), harness(t)
	if s.lacking(t, Disconnect) {
		requireUnable(t, r.Process, func(i drills.Detacher) error { return i.Detach(t.Context()) })
		return
	}
	detacher, pid, addr := able[drills.Detacher](t, r.Process), r.Info().PID, r.Addr(prober.DataPort)
	out := link(t, sub, drills.LinkSpec{From: "detached", To: "witness", Upstream: here.Addr()})
	do(t, r, prober.Order{Verb: prober.Knock, Addr: out.Addr(), Within: quiet / 3})
	requireKnocks(t, here)
	require.NoError(t, detacher.Attach(t.Context()), "of one that is attached")
	r.await(t)

	for range 2 {
		require.NoError(t, detacher.Detach(t.Context()))
		requireNoKnocks(t, here)
		r.requireSilent(t)
		require.Equal(t, pid, r.Info().PID)
		require.Empty(t, r.exits.told())

		require.NoError(t, detacher.Attach(t.Context()))
		r.await(t)
		requireKnocks(t, here)
		require.Equal(t, pid, r.Info().PID)
		require.Equal(t, addr, r.Addr(prober.DataPort))
		dialled := do(t, here, prober.Order{Verb: prober.Dial, Addr: addr, Within: patience})
		require.Equal(t, prober.Fine, dialled.End, dialled.Detail)
	}

	require.NoError(t, detacher.Detach(t.Context()))
	require.NoError(t, r.Kill(t.Context()), "while it is detached")
	require.NoError(t, detacher.Attach(t.Context()))
	require.NoError(t, r.Start(t.Context()))
	r.await(t)
	require.Equal(t, addr, r.Addr(prober.DataPort))
}

// requireKnocks wants somebody to knock.
func requireKnocks(t *testing.T, here prober.Peer) {
	t.Helper()
	arrived := do(t, here, prober.Order{Verb: prober.Accept, Within: patience})
	require.Equal(t, prober.Fine, arrived.End, arrived.Detail)
}

// requireNoKnocks wants nobody to knock, but for what was under way.
func requireNoKnocks(t *testing.T, here prober.Peer) {
	t.Helper()
	for range 100 {
		if do(t, here, prober.Order{Verb: prober.Accept, Within: 2 * quiet}).End == prober.Silent {
			return
		}
	}
	require.Fail(t, "it reaches the harness")
}
