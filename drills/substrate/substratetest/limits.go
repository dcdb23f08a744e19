package substratetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

const (
	// ample is memory enough for a prober, and a meal more than that is too much.
	ample = 256 << 20
	meal  = 512 << 20
	snack = 32 << 20
)

// limits are set to a replica that wants more, and taken off.
func (s suite) limits(t *testing.T) {
	sub := s.substrate(t)
	t.Run("of cores", func(t *testing.T) { s.limitCPU(t, launch(t, sub, "busy")) })
	t.Run("of memory", func(t *testing.T) { s.limitMemory(t, launch(t, sub, "hungry")) })
}

func (s suite) limitCPU(t *testing.T, r *replica) {
	narrow := drills.Limits{CPU: 0.2}
	if s.lacking(t, CPU) {
		requireUnable(t, r.Process, func(i drills.Limiter) error { return i.Limit(t.Context(), narrow) })
		return
	}
	limiter, pid := able[drills.Limiter](t, r.Process), r.Info().PID
	burn := func() { do(t, r, prober.Order{Verb: prober.Burn, Size: 2, Within: time.Second}) }
	throttled := func() time.Duration {
		u, err := limiter.Usage(t.Context())
		require.NoError(t, err)
		return u.Throttled
	}
	requireThrottled := func() {
		t.Helper()
		before := throttled()
		burn()
		eventually(t, func() error {
			if more := throttled() - before; more < 200*time.Millisecond {
				return fmt.Errorf("it was kept waiting for %v", more)
			}
			return nil
		}, "a busy loop is throttled")
	}
	require.NoError(t, limiter.Limit(t.Context(), narrow))
	requireThrottled()
	require.Equal(t, pid, r.Info().PID)
	require.NoError(t, r.Kill(t.Context()))
	r.start(t)
	requireThrottled() // across restarts

	require.NoError(t, limiter.Limit(t.Context(), drills.Limits{}))
	r.await(t)
	before := throttled()
	burn()
	answered := do(t, r, prober.Order{Verb: prober.Accept, Within: 4 * quiet}) // nobody comes; it passes time
	require.Equal(t, prober.Silent, answered.End)
	require.Equal(t, before, throttled(), "nothing throttles it any more")
}

func (s suite) limitMemory(t *testing.T, r *replica) {
	little := drills.Limits{Memory: ample}
	if s.lacking(t, Memory) {
		requireUnable(t, r.Process, func(i drills.Limiter) error { return i.Limit(t.Context(), little) })
		return
	}
	limiter := able[drills.Limiter](t, r.Process)
	holds := func() int64 {
		u, err := limiter.Usage(t.Context())
		require.NoError(t, err)
		require.Positive(t, u.Memory)
		return u.Memory
	}
	before := holds()
	do(t, r, prober.Order{Verb: prober.Eat, Size: snack})
	require.GreaterOrEqual(t, holds(), before+snack/2)

	require.NoError(t, limiter.Limit(t.Context(), little))
	for n := range 2 { // the second time across a restart
		pid := r.Info().PID
		_, err := r.Do(t.Context(), prober.Order{Verb: prober.Eat, Size: meal})
		require.Error(t, err, "it has eaten more than there is")
		exit := r.exits.await(t, n+1)
		require.True(t, exit.OutOfMemory, "%+v", exit)
		require.Equal(t, "killed", exit.Signal)
		require.Zero(t, r.Info().PID)
		requireGone(t, pid)
		r.start(t)
	}
	require.NoError(t, limiter.Limit(t.Context(), drills.Limits{}))
	do(t, r, prober.Order{Verb: prober.Eat, Size: meal})
	require.NoError(t, r.Kill(t.Context()))
	require.False(t, r.exits.await(t, 3).OutOfMemory, "it was killed by somebody")
}
