package link_test

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
)

func TestAConnectionThatBreaksLeavesNoStreamBehind(t *testing.T) {
	tests := []struct {
		name   string
		breaks func(t *testing.T, l *link.Link, client, server net.Conn)
	}{
		{"the dependency dies while it is sent to", func(t *testing.T, _ *link.Link, client, server net.Conn) {
			clog(t, client)
			reset(t, server)
		}},
		{"the replica dies while it is sent to", func(t *testing.T, _ *link.Link, client, server net.Conn) {
			clog(t, server)
			reset(t, client)
		}},
		{"the link refuses while both are sent to", func(t *testing.T, l *link.Link, client, server net.Conn) {
			clog(t, client)
			clog(t, server)
			require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Refuse}))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			up := listen(t)
			l := open(t, up.Addr().String())
			client, server := connect(t, l, up)
			exchange(t, client, server)
			require.Equal(t, 2, streams())
			tt.breaks(t, l, client, server)
			require.Eventually(t, func() bool { return streams() == 0 }, 30*time.Second, 10*time.Millisecond, "while the link lives")
		})
	}
}

func TestAReplyThatComesLateAfterAHalfCloseIsWhole(t *testing.T) {
	up := listen(t)
	l := open(t, up.Addr().String())
	client, server := connect(t, l, up)
	exchange(t, client, server)
	require.NoError(t, l.Degrade(t.Context(), drills.Degradation{Kind: drills.Latency, Direction: drills.Replies, Delay: 1500 * time.Millisecond}))
	send(t, server, "the last words")
	// What is on its way must be in the link before the end of the requests is.
	require.False(t, hears(t, client, "the last words"))
	require.NoError(t, client.(*net.TCPConn).CloseWrite())
	require.True(t, heardWithin(t, client, "the last words", 5*time.Second))
}

// reset ends a connection as the kernel does for a process that died with
// unread bytes.
func reset(t *testing.T, c net.Conn) {
	t.Helper()
	require.NoError(t, c.(*net.TCPConn).SetLinger(0))
	require.NoError(t, c.Close())
}

// streams counts the streams that run in any link.
func streams() int {
	stacks := make([]byte, 1<<20)
	return strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "(*lane).Pipe(")
}
