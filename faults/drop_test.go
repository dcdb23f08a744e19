package faults_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/faults"
)

// lossy is a direct link whose packets are counted by the test.
type lossy struct {
	from, to string
	lost     atomic.Uint64 // while it is degraded
	how      atomic.Pointer[drills.Degradation]
}

func (l *lossy) Ends() (from, to string) { return l.from, l.to }
func (*lossy) Addr() string              { return "redis:6379" } // of another network: nobody here can dial it

func (l *lossy) Degrade(_ context.Context, d drills.Degradation) error {
	l.how.Store(&d)
	return nil
}

func (l *lossy) Heal(context.Context) error {
	l.how.Store(nil)
	return nil
}

func (l *lossy) Dropped(context.Context) (uint64, error) {
	if l.how.Load() == nil {
		return 0, nil
	}
	return l.lost.Load(), nil
}

func TestADropIsProvedByThePacketsOfEveryLink(t *testing.T) {
	target := start(t, "replica-1")
	quiet, busy := &lossy{from: "replica-1", to: "redis"}, &lossy{from: "replica-1", to: "postgres"}
	busy.lost.Store(3)
	target.links = []drills.Link{quiet, busy}
	f := newFault(t, faults.Drop(), map[string]string{"dir": "replies"}, "replica-1->all")
	undo, err := f.Plan(t.Context(), target)
	require.NoError(t, err)
	require.Equal(t, drills.ActionHeal, undo.Action)
	require.Equal(t, []string{"replica-1->redis", "replica-1->postgres"}, undo.Links)
	require.NoError(t, f.Inject(t.Context()))
	require.Equal(t, drills.Degradation{Kind: drills.Drop, Direction: drills.Replies}, *quiet.how.Load())

	ctx, cancel := context.WithTimeout(t.Context(), briefly)
	defer cancel()
	_, err = f.Await(ctx)
	require.ErrorContains(t, err, "wait until a packet is dropped on link replica-1->redis", "a link that nobody uses proves nothing")

	quiet.lost.Store(1)
	evidence, err := f.Await(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"replica-1->redis": 1, "replica-1->postgres": 3}, evidence["dropped_packets"])
	require.NoError(t, f.Recover(t.Context()))
	require.Nil(t, quiet.how.Load())
	require.NoError(t, f.Recover(t.Context()), "recovering twice does nothing")
}

func TestNothingButADropHitsADirectLink(t *testing.T) {
	target := start(t, "replica-1")
	target.links = []drills.Link{&lossy{from: "replica-1", to: "redis"}}
	for _, tt := range linkFaults {
		_, err := newFault(t, tt.spec, tt.options, "replica-1->redis").Plan(t.Context(), target)
		require.ErrorIs(t, err, drills.ErrUnsupported, tt.spec.Name)
		require.ErrorContains(t, err, `link replica-1->redis: not supported here: the link is direct, past the proxy that could do that: only "drop" can hit it`)
	}
}
