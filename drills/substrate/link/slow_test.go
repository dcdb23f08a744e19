package link_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

func TestLatency(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)
	roundTrip := func() time.Duration {
		begin := time.Now()
		exchange(t, client, server)
		return time.Since(begin)
	}
	late := drills.Degradation{Kind: drills.Latency, Direction: drills.Both, Delay: 40 * time.Millisecond, Jitter: 10 * time.Millisecond}
	require.NoError(t, l.Degrade(t.Context(), late))
	require.GreaterOrEqual(t, roundTrip(), 60*time.Millisecond, "both ways, less the jitter")

	late = drills.Degradation{Kind: drills.Latency, Direction: drills.Both, Delay: time.Hour}
	require.NoError(t, l.Degrade(t.Context(), late), "latency replaces latency")
	send(t, client, "late")
	require.False(t, hears(t, server, "late"))
	require.NoError(t, l.Heal(t.Context()))
	require.True(t, hears(t, server, "late"), "what was late comes at once after healing, and the connection lives on")
	exchange(t, client, server)
}

func TestLatencyDelaysEveryChunkByItselfAndKeepsTheirOrder(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{
		Kind: drills.Latency, Direction: drills.Requests, Delay: 50 * time.Millisecond, Jitter: 50 * time.Millisecond,
	}))
	begin, sent := time.Now(), make([]byte, 50)
	for i := range sent {
		sent[i] = byte(i)
		_, err := client.Write(sent[i : i+1])
		require.NoError(t, err)
	}
	got := make([]byte, len(sent))
	_, err := io.ReadFull(server, got)
	require.NoError(t, err)
	require.Equal(t, sent, got)
	require.Less(t, time.Since(begin), time.Second, "delays must overlap, not add up")
}

func TestBandwidthIsSharedByTheConnectionsOfALink(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	client2, server2 := connect(t, l, up)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Bandwidth, Direction: drills.Requests, Rate: 50_000}))
	begin := time.Now()
	sendBytes(t, client, 10_000)
	sendBytes(t, client2, 10_000)
	requireBytes(t, server, 10_000)
	requireBytes(t, server2, 10_000)
	took := time.Since(begin)
	require.GreaterOrEqual(t, took, 400*time.Millisecond)
	require.Less(t, took, 2*time.Second)

	begin = time.Now()
	sendBytes(t, server, 100_000)
	requireBytes(t, client, 100_000)
	require.Less(t, time.Since(begin), time.Second, "replies are not limited")
}

func TestBandwidthSlowsDownASenderAndPassesItAllWhenHealed(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Bandwidth, Direction: drills.Both, Rate: 1}))
	clog(t, client)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Bandwidth, Direction: drills.Both, Rate: 100_000_000}))
	requireBytes(t, server, 1<<20)

	client, server = connect(t, l, up)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Bandwidth, Direction: drills.Both, Rate: 1}))
	sendBytes(t, client, 1000)
	require.NoError(t, l.Heal(t.Context()))
	requireBytes(t, server, 1000)
	exchange(t, client, server)
}

func TestSlicesAreSmallAndApart(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Slice, Direction: drills.Requests, Size: 10, Delay: 400 * time.Millisecond}))
	begin := time.Now()
	sendBytes(t, client, 25)
	requireBytes(t, server, 10)
	first := time.Since(begin)
	requireBytes(t, server, 15)
	require.GreaterOrEqual(t, time.Since(begin), 2*400*time.Millisecond)
	require.Less(t, first, 400*time.Millisecond, "the first one waits for nothing")

	sendBytes(t, client, 10_000)
	require.NoError(t, l.Heal(t.Context()))
	requireBytes(t, server, 10_000)
	exchange(t, client, server)
}

func TestALimitClosesEachConnectionAfterSoManyBytes(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server) // before the limit, and not counted
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Limit, Direction: drills.Replies, Bytes: 100}))
	for range 2 {
		sendBytes(t, client, 1000)
		requireBytes(t, server, 1000)
		sendBytes(t, server, 60)
		requireBytes(t, client, 60)
		require.False(t, ended(t, client), "the limit is not reached")
		sendBytes(t, server, 60)
		requireBytes(t, client, 40)
		requireClosed(t, client)
		requireClosed(t, server)
		client, server = connect(t, l, up)
	}
	sendBytes(t, server, 60)
	requireBytes(t, client, 60)
	require.NoError(t, l.Heal(t.Context()))
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Limit, Direction: drills.Replies, Bytes: 100}))
	exchange(t, client, server)
	sendBytes(t, server, 60)
	requireBytes(t, client, 60)
	require.False(t, ended(t, client), "what passed before healing does not count")
}

func TestDegradationsAddUp(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	for _, d := range []drills.Degradation{
		{Kind: drills.Latency, Delay: 100 * time.Millisecond},
		{Kind: drills.Slice, Size: 100, Delay: 10 * time.Millisecond},
		{Kind: drills.Bandwidth, Rate: 5000},
		{Kind: drills.Limit, Bytes: 1000},
	} {
		d.Direction = drills.Requests
		require.NoError(t, l.Degrade(t.Context(), d))
	}
	sent, got := make([]byte, 2000), make([]byte, 1000)
	for i := range sent {
		sent[i] = byte(i % 251)
	}
	begin := time.Now()
	_, err := client.Write(sent)
	require.NoError(t, err)
	require.NoError(t, server.SetReadDeadline(begin.Add(5*time.Second)))
	_, err = io.ReadFull(server, got)
	require.NoError(t, err)
	require.Equal(t, sent[:len(got)], got)
	require.GreaterOrEqual(t, time.Since(begin), 300*time.Millisecond, "late, and then no more than 5 kB a second")
	requireClosed(t, server)
}

func sendBytes(t *testing.T, c net.Conn, n int) {
	t.Helper()
	_, err := c.Write(make([]byte, n))
	require.NoError(t, err)
}

func requireBytes(t *testing.T, c net.Conn, n int) {
	t.Helper()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Second)))
	_, err := io.ReadFull(c, make([]byte, n))
	require.NoError(t, err)
}
