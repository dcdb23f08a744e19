package link_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// quiet is how long a connection must stay silent to count as black-holed.
const quiet = 60 * time.Millisecond

func TestDegradation(t *testing.T) {
	hole := func(d drills.Direction) drills.Degradation {
		return drills.Degradation{Kind: drills.BlackHole, Direction: d}
	}
	tests := []struct {
		name     string
		degrade  []drills.Degradation
		requests bool // bytes reach the dependency
		replies  bool // bytes reach the replica
		survives bool // the old connection is usable after healing
	}{
		{"a healthy link passes both ways", nil, true, true, true},
		{"a black hole passes nothing", []drills.Degradation{hole(drills.Both)}, false, false, false},
		{"a black hole for requests lets replies through", []drills.Degradation{hole(drills.Requests)}, false, true, false},
		{"a black hole for replies lets requests through", []drills.Degradation{hole(drills.Replies)}, true, false, false},
		{"two one-way black holes are one both ways", []drills.Degradation{hole(drills.Requests), hole(drills.Replies)}, false, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up := listen(t)
			l := open(t, up.Addr().String())
			client, server := connect(t, l, up)
			exchange(t, client, server)

			for _, d := range tt.degrade {
				require.NoError(t, l.Degrade(t.Context(), d))
			}
			send(t, client, "request")
			require.Equal(t, tt.requests, hears(t, server, "request"), "request reaches the dependency")
			send(t, server, "reply")
			require.Equal(t, tt.replies, hears(t, client, "reply"), "reply reaches the replica")

			require.NoError(t, l.Heal(t.Context()))
			if tt.survives {
				exchange(t, client, server)
				return
			}
			requireClosed(t, client)
			requireClosed(t, server)
			client, server = connect(t, l, up)
			exchange(t, client, server)
		})
	}
}

func TestABlackHoleHidesTheEndOfAConnection(t *testing.T) {
	tests := []struct {
		name   string
		closes func(client, server net.Conn) (closing, watching net.Conn)
	}{
		{"of the replica from its dependency", func(c, s net.Conn) (net.Conn, net.Conn) { return c, s }},
		{"of the dependency from its replica", func(c, s net.Conn) (net.Conn, net.Conn) { return s, c }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up := listen(t)
			l := open(t, up.Addr().String())
			client, server := connect(t, l, up)
			exchange(t, client, server)
			require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}))

			closing, watching := tt.closes(client, server)
			require.NoError(t, closing.Close())
			require.False(t, ended(t, watching), "the end of the connection passed the black hole")
			require.NoError(t, l.Heal(t.Context()))
			requireClosed(t, watching)
		})
	}
}

func TestAConnectionOpenedInABlackHoleIsSilentAndItsClosingPasses(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}))
	client, server := connect(t, l, up)
	send(t, client, "request")
	require.False(t, hears(t, server, "request"))
	require.NoError(t, client.Close())
	requireClosed(t, server)
}

func TestDegradationsThatMakeNoSenseAreRefused(t *testing.T) {
	l := open(t, listen(t).Addr().String())
	for name, d := range map[string]drills.Degradation{
		"unknown kind":      {Kind: "rust", Direction: drills.Both},
		"unknown direction": {Kind: drills.BlackHole, Direction: "sideways"},
	} {
		require.ErrorIs(t, l.Degrade(t.Context(), d), drills.ErrUnsupported, name)
	}
	for name, d := range map[string]drills.Degradation{
		"no latency":                  {Kind: drills.Latency},
		"less than no latency":        {Kind: drills.Latency, Delay: -1},
		"no bandwidth":                {Kind: drills.Bandwidth},
		"slices of nothing":           {Kind: drills.Slice, Delay: time.Millisecond},
		"slices that are not apart":   {Kind: drills.Slice, Size: 1},
		"a limit that lets none pass": {Kind: drills.Limit},
	} {
		d.Direction = drills.Both
		require.Error(t, l.Degrade(t.Context(), d), name)
	}
}

func TestALinkKeepsItsAddressWhileItsUpstreamIsAway(t *testing.T) {
	up := listen(t)
	addr := up.Addr().String()
	l := open(t, addr)
	require.NoError(t, up.Close())
	conn, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	defer closeQuietly(t, conn)
	requireClosed(t, conn)

	back, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, back.Close()) })
	client, server := connect(t, l, back)
	exchange(t, client, server)
}

func TestAPeerThatDoesNotReadDoesNotBlockTheLink(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	_, server := connect(t, l, up) // the replica is paused: it never reads
	clog(t, server)
	for range 3 {
		for _, d := range everyKind() {
			begin := time.Now()
			require.NoError(t, l.Degrade(t.Context(), d))
			require.Less(t, time.Since(begin), 500*time.Millisecond, d.Kind)
		}
		require.NoError(t, l.Heal(t.Context()))
	}
	client, server := connect(t, l, up)
	exchange(t, client, server)
}

func TestClose(t *testing.T) {
	for _, d := range append(everyKind(), drills.Degradation{}) {
		t.Run("after "+string(d.Kind), func(t *testing.T) {
			up := listen(t)
			l := open(t, up.Addr().String())
			client, server := connect(t, l, up)
			exchange(t, client, server)
			if d.Kind != "" {
				d.Delay = time.Hour
				require.NoError(t, l.Degrade(t.Context(), d))
			}
			send2(client, "in flight")
			require.NoError(t, l.Close(t.Context()))
			require.NoError(t, l.Close(t.Context()), "twice")
			requireClosed(t, client)
			requireClosed(t, server)
			require.ErrorIs(t, l.Heal(t.Context()), link.ErrClosed)
			require.ErrorIs(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}), link.ErrClosed)
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	wg.Go(func() { // the dependency echoes
		for {
			c, err := up.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, err := io.Copy(c, c); _ = errors.Join(err, c.Close()) })
		}
	})
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				c, err := net.Dial("tcp", l.Addr())
				if err != nil {
					continue
				}
				send2(c, "hello")
				_ = c.SetReadDeadline(time.Now().Add(5 * time.Millisecond))
				_, err = c.Read(make([]byte, 8))
				_ = errors.Join(err, c.Close())
			}
		})
	}
	for ctx.Err() == nil {
		for _, d := range everyKind() {
			require.NoError(t, l.Degrade(t.Context(), d))
		}
		require.NoError(t, l.Heal(t.Context()))
	}
	require.NoError(t, l.Close(t.Context()))
	require.NoError(t, up.Close())
	wg.Wait()
}

func BenchmarkRoundTrip(b *testing.B) {
	up := listen(b)
	l := open(b, up.Addr().String())
	for name, addr := range map[string]string{"direct": up.Addr().String(), "through a link": l.Addr()} {
		b.Run(name, func(b *testing.B) {
			client, server := connectTo(b, addr, up)
			done := make(chan error, 1)
			go func() { _, err := io.Copy(server, server); done <- err }()
			buf := make([]byte, 100)
			for b.Loop() {
				_, err := client.Write(buf)
				require.NoError(b, err)
				_, err = io.ReadFull(client, buf)
				require.NoError(b, err)
			}
			require.NoError(b, client.Close())
			require.NoError(b, <-done)
		})
	}
}
