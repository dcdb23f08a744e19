package substratetest

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

// links are degraded in every way, in both places where a link can be, and
// looked at from both ends.
func (s suite) links(t *testing.T) {
	sub := s.substrate(t)
	r, here := launch(t, sub, "replica-1"), harness(t)
	toHarness := link(t, sub, drills.LinkSpec{From: "replica-1", To: "witness", Upstream: here.Addr()})
	toReplica := link(t, sub, drills.LinkSpec{From: "clients", To: "replica-1", Upstream: r.Addr(prober.DataPort)})
	require.NotEqual(t, toHarness.Addr(), toReplica.Addr())
	for name, way := range map[string]route{
		"from a replica to the harness": {Link: toHarness, near: r, far: here},
		"from clients to a replica":     {Link: toReplica, near: here, far: r},
	} {
		t.Run(name, way.exercise)
	}
	t.Run("lead to a replica across its restarts", func(t *testing.T) {
		require.NoError(t, r.Kill(t.Context()))
		require.Error(t, r.try(t))
		r.start(t)
		route{Link: toReplica, near: here, far: r}.connect(t)
	})
}

// route is a link with those who stand at its ends.
type route struct {
	drills.Link
	near, far prober.Peer // near is who depends on far
}

// oneWay and everyWay are the directions of a degradation.
var (
	oneWay   = []drills.Direction{drills.Requests, drills.Replies}
	everyWay = []drills.Direction{drills.Requests, drills.Replies, drills.Both}
)

func (r route) exercise(t *testing.T) {
	addr := r.Addr()
	c := r.connect(t)
	require.NoError(t, r.Heal(t.Context()), "of a healthy link")
	c.requireCarries(t)

	inWays := func(kind drills.DegradationKind, ways []drills.Direction, test func(*testing.T, drills.Direction)) {
		for _, d := range ways {
			t.Run(string(kind)+" "+string(d), func(t *testing.T) { test(t, d); r.requireHeals(t, addr) })
		}
	}
	inWays(drills.BlackHole, everyWay, r.blackHole)
	inWays(drills.Stall, everyWay, r.stall)
	inWays(drills.Latency, everyWay, r.latency)
	inWays(drills.Bandwidth, oneWay, r.bandwidth)
	inWays(drills.Slice, oneWay, r.slice)
	inWays(drills.Limit, oneWay, r.limit)
	inWays(drills.Refuse, []drills.Direction{drills.Both}, r.refuse)
	inWays(drills.Reset, []drills.Direction{drills.Both}, r.reset)
	t.Run("what makes no sense", r.nonsense)
}

func (r route) degrade(t *testing.T, d drills.Degradation) {
	t.Helper()
	require.NoError(t, r.Degrade(t.Context(), d))
}

func (r route) requireHeals(t *testing.T, addr string) {
	t.Helper()
	require.NoError(t, r.Heal(t.Context()))
	require.NoError(t, r.Heal(t.Context()), "twice")
	require.Equal(t, addr, r.Addr())
	r.connect(t)
}

func (r route) blackHole(t *testing.T, d drills.Direction) {
	old := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.BlackHole, Direction: d})
	old.requireSilent(t, d)
	r.dial(t).requireSilent(t, d)
	if d == drills.Both {
		old.near.hangUp(t)
		require.Equal(t, prober.Silent, old.far.receive(t, 1, quiet).End, "the end of a connection has passed")
	}
}

func (r route) stall(t *testing.T, d drills.Direction) {
	old := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Stall, Direction: d})
	old.requireSilent(t, d)
	young := r.connect(t)
	require.NoError(t, r.Heal(t.Context()))
	young.requireCarries(t)
}

func (r route) latency(t *testing.T, d drills.Direction) {
	c := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Latency, Direction: d, Delay: time.Hour})
	c.requireSilent(t, d)
	require.NoError(t, r.Heal(t.Context()))

	c = r.connect(t)
	const delay, jitter = 120 * time.Millisecond, 20 * time.Millisecond
	r.degrade(t, drills.Degradation{Kind: drills.Latency, Direction: d, Delay: delay, Jitter: jitter})
	for _, way := range oneWay {
		begin := time.Now()
		c.requirePasses(t, way, []byte("late"))
		if hits(d, way) {
			require.GreaterOrEqual(t, time.Since(begin), delay-jitter, way)
		}
	}
}

// much is more than what a narrow link passes while the suite is patient.
const much = 500_000

func (r route) bandwidth(t *testing.T, d drills.Direction) {
	c := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Bandwidth, Direction: d, Rate: 10_000})
	c.requirePasses(t, opposite(d), make([]byte, much))
	begin := time.Now()
	c.requirePasses(t, d, make([]byte, 3000))
	require.GreaterOrEqual(t, time.Since(begin), 200*time.Millisecond)
}

func (r route) slice(t *testing.T, d drills.Direction) {
	c := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Slice, Direction: d, Size: 10, Delay: 40 * time.Millisecond})
	c.requirePasses(t, opposite(d), make([]byte, much))
	begin := time.Now()
	c.requirePasses(t, d, make([]byte, 45))
	require.GreaterOrEqual(t, time.Since(begin), 160*time.Millisecond, "five pieces, apart")
}

func (r route) limit(t *testing.T, d drills.Direction) {
	old := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Limit, Direction: d, Bytes: 100})
	for _, c := range []conversation{old, r.dial(t)} {
		c.requirePasses(t, opposite(d), make([]byte, 1000))
		c.requirePasses(t, d, make([]byte, 60))
		from, to := c.ends(d)
		from.send(t, make([]byte, 60))
		got := to.receive(t, 60, patience)
		require.Len(t, got.Data, 40)
		require.Equal(t, prober.Closed, got.End, got.Detail)
	}
}

func (r route) refuse(t *testing.T, _ drills.Direction) {
	c := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Refuse})
	require.Equal(t, prober.Closed, c.near.receive(t, 1, patience).End)
	require.Equal(t, prober.Closed, c.far.receive(t, 1, patience).End)
	dialled := do(t, r.near, prober.Order{Verb: prober.Dial, Addr: r.Addr(), Within: patience})
	require.Equal(t, prober.Refused, dialled.End, dialled.Detail)
}

func (r route) reset(t *testing.T, _ drills.Direction) {
	c := r.connect(t)
	r.degrade(t, drills.Degradation{Kind: drills.Reset})
	require.Equal(t, prober.Reset, c.near.receive(t, 1, patience).End)
	require.Equal(t, prober.Reset, c.far.receive(t, 1, patience).End)
	dialled := do(t, r.near, prober.Order{Verb: prober.Dial, Addr: r.Addr(), Within: patience})
	if dialled.End == prober.Fine { // it was aborted later
		dialled = end{r.near, dialled.Conn}.receive(t, 1, patience)
	}
	require.Equal(t, prober.Reset, dialled.End, dialled.Detail)
}

func (r route) nonsense(t *testing.T) {
	c := r.connect(t)
	for _, d := range []drills.Degradation{
		{Kind: drills.Drop, Direction: drills.Both}, // a proxy has no packets
		{Kind: "rust", Direction: drills.Both},
		{Kind: drills.BlackHole, Direction: "sideways"},
	} {
		require.ErrorIs(t, r.Degrade(t.Context(), d), drills.ErrUnsupported, d)
	}
	if dropper, ok := r.Link.(drills.Dropper); ok {
		_, err := dropper.Dropped(t.Context())
		require.ErrorIs(t, err, drills.ErrUnsupported)
	}
	c.requireCarries(t)
}

// conversation is a connection through a route, with both of its ends.
type conversation struct{ near, far end }

// end is one side of a connection.
type end struct {
	prober.Peer
	conn int
}

func (e end) send(t *testing.T, data []byte) {
	t.Helper()
	r := do(t, e, prober.Order{Verb: prober.Send, Conn: e.conn, Data: data, Within: patience})
	require.Equal(t, prober.Fine, r.End, r.Detail)
}

func (e end) receive(t *testing.T, size int, within time.Duration) prober.Report {
	t.Helper()
	return do(t, e, prober.Order{Verb: prober.Receive, Conn: e.conn, Size: size, Within: within})
}

func (e end) hangUp(t *testing.T) {
	t.Helper()
	do(t, e, prober.Order{Verb: prober.HangUp, Conn: e.conn})
}

// connect opens a connection that works.
func (r route) connect(t *testing.T) conversation {
	t.Helper()
	c := r.dial(t)
	c.requireCarries(t)
	return c
}

// dial opens a connection that may turn out to carry nothing.
func (r route) dial(t *testing.T) conversation {
	t.Helper()
	near := do(t, r.near, prober.Order{Verb: prober.Dial, Addr: r.Addr(), Within: patience})
	require.Equal(t, prober.Fine, near.End, near.Detail)
	far := do(t, r.far, prober.Order{Verb: prober.Accept, Within: patience})
	require.Equal(t, prober.Fine, far.End, far.Detail)
	return conversation{end{r.near, near.Conn}, end{r.far, far.Conn}}
}

// ends are who sends and who receives in a direction.
func (c conversation) ends(way drills.Direction) (from, to end) {
	if way == drills.Requests {
		return c.near, c.far
	}
	return c.far, c.near
}

func (c conversation) requirePasses(t *testing.T, way drills.Direction, data []byte) {
	t.Helper()
	from, to := c.ends(way)
	sent := make(chan error, 1) // it may not fit into what buffers there are
	go func() {
		r, err := from.Do(t.Context(), prober.Order{Verb: prober.Send, Conn: from.conn, Data: data, Within: patience})
		if err == nil && r.End != prober.Fine {
			err = errors.New(r.Detail)
		}
		sent <- err
	}()
	got := to.receive(t, len(data), patience)
	require.NoError(t, <-sent, way)
	require.Equal(t, prober.Fine, got.End, "%s: %s after %d of %d bytes", way, got.Detail, len(got.Data), len(data))
	require.True(t, bytes.Equal(data, got.Data), "%s: other bytes have come than were sent", way)
}

func (c conversation) requireCarries(t *testing.T) {
	t.Helper()
	c.requirePasses(t, drills.Requests, []byte("question"))
	c.requirePasses(t, drills.Replies, []byte("answer"))
}

// requireSilent wants nothing to pass in a direction, and everything in the
// other.
func (c conversation) requireSilent(t *testing.T, d drills.Direction) {
	t.Helper()
	for _, way := range oneWay {
		if !hits(d, way) {
			c.requirePasses(t, way, []byte("passes"))
			continue
		}
		from, to := c.ends(way)
		from.send(t, []byte("lost"))
		got := to.receive(t, 1, quiet)
		require.Equal(t, prober.Silent, got.End, "%s: %s", way, got.Detail)
	}
}

// hits tells whether a degradation in direction d is seen by what goes that way.
func hits(d, way drills.Direction) bool { return d == drills.Both || d == way }

func opposite(d drills.Direction) drills.Direction {
	if d == drills.Requests {
		return drills.Replies
	}
	return drills.Requests
}
