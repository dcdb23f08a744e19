package substratetest

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// directLinks carry a replica's own packets to a store, and lose them.
func (s suite) directLinks(t *testing.T) {
	sub := s.substrate(t)
	store, err := sub.Store(t.Context(), "redis", drills.RoleRedis)
	require.NoError(t, err)
	spec := drills.LinkSpec{From: "replica-1", To: "redis", Upstream: store.Addr(), Direct: true}
	if s.lacking(t, Drop) {
		_, err := sub.Link(t.Context(), spec)
		require.ErrorIs(t, err, drills.ErrUnsupported)
		return
	}
	// A replica is told the addresses of its links in its environment, so that a
	// link comes first.
	l := link(t, sub, spec)
	d := direct{Link: l, store: store, replica: launch(t, sub, "replica-1"), here: harness(t)}
	for _, direction := range everyWay {
		t.Run("drop "+string(direction), func(t *testing.T) { d.drop(t, direction) })
	}
	t.Run("the end of a connection is lost", d.losesEnds)
	t.Run("what only a proxy can do", func(t *testing.T) {
		for _, kind := range []drills.DegradationKind{
			drills.BlackHole, drills.Stall, drills.Refuse, drills.Reset, drills.Latency, drills.Bandwidth, drills.Slice, drills.Limit, "rust",
		} {
			err := l.Degrade(t.Context(), drills.Degradation{
				Kind: kind, Direction: drills.Both, Delay: time.Millisecond, Rate: 1, Size: 1, Bytes: 1,
			})
			require.ErrorIs(t, err, drills.ErrUnsupported, kind)
		}
		require.Error(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Drop, Direction: "sideways"}))
		d.talk(t)
	})
}

// direct is a direct link between a replica and a Redis.
type direct struct {
	drills.Link
	store   drills.Store
	replica *replica
	here    prober.Peer
}

// session is a connection of the replica's that Redis has let in. Redis takes
// lines, so that nobody on the way need know what they mean.
type session struct{ end }

func (d direct) talk(t *testing.T) session {
	t.Helper()
	dialled := do(t, d.replica, prober.Order{Verb: prober.Dial, Addr: d.Addr(), Within: patience})
	require.Equal(t, prober.Fine, dialled.End, dialled.Detail)
	u, err := url.Parse(d.store.URL(d.Addr()))
	require.NoError(t, err)
	password, _ := u.User.Password()
	s := session{end{d.replica, dialled.Conn}}
	s.send(t, []byte("AUTH "+password+"\r\n"))
	s.requireHears(t, "+OK\r\n")
	return s
}

func (s session) requireHears(t *testing.T, line string) {
	t.Helper()
	got := s.receive(t, len(line), patience)
	require.Equal(t, prober.Fine, got.End, got.Detail)
	require.Equal(t, line, string(got.Data))
}

// requireSilent wants the connection to show nothing at all: no reply, no FIN
// and no RST.
func (s session) requireSilent(t *testing.T) {
	t.Helper()
	got := s.receive(t, 1, 4*quiet)
	require.Equal(t, prober.Silent, got.End, got.Detail)
}

func (d direct) drop(t *testing.T, direction drills.Direction) {
	addr, dropper := d.Addr(), requireDropper(t, d.Link)
	s := d.talk(t)
	ask(t, d.here, d.store.URL(d.store.Addr()), "SET", "n", "1")
	require.NoError(t, d.Degrade(t.Context(), drills.Degradation{Kind: drills.Drop, Direction: direction}))

	s.send(t, []byte("INCR n\r\n"))
	s.requireSilent(t)
	dialled := do(t, d.replica, prober.Order{Verb: prober.Dial, Addr: d.Addr(), Within: 4 * quiet})
	require.Equal(t, prober.Silent, dialled.End, dialled.Detail)
	dropped, err := dropper.Dropped(t.Context())
	require.NoError(t, err)
	require.Positive(t, dropped)
	arrived := map[bool]string{true: "1", false: "2"}[hits(direction, drills.Requests)]
	require.Equal(t, arrived, ask(t, d.here, d.store.URL(d.store.Addr()), "GET", "n"), "past the link")

	require.NoError(t, d.Heal(t.Context()))
	require.NoError(t, d.Heal(t.Context()), "twice")
	s.requireHears(t, ":2\r\n") // TCP has not given up
	s.send(t, []byte("INCR n\r\n"))
	s.requireHears(t, ":3\r\n")
	require.Equal(t, addr, d.Addr())
	d.talk(t)
}

func requireDropper(t *testing.T, l drills.Link) drills.Dropper {
	t.Helper()
	dropper, ok := l.(drills.Dropper)
	require.True(t, ok, "a direct link (%T) is no drills.Dropper", l)
	return dropper
}

// losesEnds has the store die while packets are dropped: its replica is not to
// be told.
func (d direct) losesEnds(t *testing.T) {
	s := d.talk(t)
	require.NoError(t, d.Degrade(t.Context(), drills.Degradation{Kind: drills.Drop, Direction: drills.Both}))
	require.NoError(t, d.store.Kill(t.Context()))
	s.requireSilent(t)
	require.NoError(t, d.Heal(t.Context()))
	require.NoError(t, d.store.Start(t.Context()))
	eventually(t, func() error {
		dialled := do(t, d.replica, prober.Order{Verb: prober.Dial, Addr: d.Addr(), Within: patience})
		if dialled.End != prober.Fine {
			return fmt.Errorf("%s: %s", dialled.End, dialled.Detail)
		}
		return nil
	}, "the store is reached again")
	d.talk(t)
}
