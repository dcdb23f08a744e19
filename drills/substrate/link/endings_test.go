package link_test

import (
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

func TestRefuse(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)

	refuse := drills.Degradation{Kind: drills.Refuse}
	require.NoError(t, l.Degrade(t.Context(), refuse))
	require.NoError(t, l.Degrade(t.Context(), refuse), "refusing twice")
	requireClosed(t, client)
	requireClosed(t, server)
	_, err := net.Dial("tcp", l.Addr())
	require.Error(t, err)

	require.NoError(t, l.Heal(t.Context()))
	require.NoError(t, l.Heal(t.Context()), "healing a healthy link")
	client, server = connect(t, l, up)
	exchange(t, client, server)
}

func TestAnUpstreamThatTakesNoConnectionsHoldsUpNobody(t *testing.T) {
	addr, end := fullBacklog(t)
	defer end()
	l := open(t, addr)
	waiting, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	defer closeQuietly(t, waiting)
	require.False(t, ended(t, waiting))

	begin := time.Now()
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
	require.Less(t, time.Since(begin), 500*time.Millisecond)
	requireClosed(t, waiting)
	require.NoError(t, l.Heal(t.Context()))
	another, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	closeQuietly(t, another)
}

func TestAResetAbortsConnectionsOpenAndNew(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)

	reset := drills.Degradation{Kind: drills.Reset}
	require.NoError(t, l.Degrade(t.Context(), reset))
	requireAborted(t, client)
	requireAborted(t, server)
	require.NoError(t, l.Degrade(t.Context(), reset), "resetting twice")
	for range 3 {
		requireAborted(t, dialAborted(t, l.Addr()))
	}

	require.NoError(t, l.Heal(t.Context()))
	client, server = connect(t, l, up)
	exchange(t, client, server)
}

func TestAResetReachesBothSidesOfABlackHole(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.BlackHole, Direction: drills.Both}))
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Reset}))
	requireAborted(t, client)
	requireAborted(t, server)
}

func TestAHealthyConnectionEndsWithoutAReset(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)
	require.NoError(t, client.Close())
	require.NoError(t, server.SetReadDeadline(time.Now().Add(2*time.Second)))
	_, err := server.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestAStallSilencesWhatIsOpenAndNothingElse(t *testing.T) {
	for _, direction := range []drills.Direction{drills.Both, drills.Requests, drills.Replies} {
		t.Run(string(direction), func(t *testing.T) {
			up := listen(t)
			l := open(t, up.Addr().String())
			client, server := connect(t, l, up)
			exchange(t, client, server)
			stall := drills.Degradation{Kind: drills.Stall, Direction: direction}
			require.NoError(t, l.Degrade(t.Context(), stall))

			send(t, client, "request")
			require.Equal(t, direction == drills.Replies, hears(t, server, "request"), "request reaches the dependency")
			send(t, server, "reply")
			require.Equal(t, direction == drills.Requests, hears(t, client, "reply"), "reply reaches the replica")
			younger, itsServer := connect(t, l, up)
			exchange(t, younger, itsServer)

			require.NoError(t, l.Heal(t.Context()))
			requireClosed(t, client)
			requireClosed(t, server)
			exchange(t, younger, itsServer)

			require.NoError(t, l.Degrade(t.Context(), stall), "another stall finds another connection open")
			send(t, younger, "request")
			send(t, itsServer, "reply")
			require.False(t, hears(t, itsServer, "request") && hears(t, younger, "reply"))
		})
	}
}

func TestAStallHidesTheEndOfAConnection(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Stall, Direction: drills.Both}))
	require.NoError(t, client.Close())
	require.False(t, ended(t, server), "the end of the connection passed the stall")
	require.NoError(t, l.Heal(t.Context()))
	requireClosed(t, server)
}

// requireAborted wants a connection to end with a RST; nil stands for one that
// ended so before its dial had returned.
func requireAborted(t *testing.T, c net.Conn) {
	t.Helper()
	if c == nil {
		return
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(2*time.Second)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func dialAborted(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		require.ErrorIs(t, err, syscall.ECONNRESET)
		return nil
	}
	t.Cleanup(func() { closeQuietly(t, c) })
	return c
}
