package link_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/drillrun/drillrun/drills"
	"github.com/drillrun/drillrun/drills/substrate/link"
)

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { closeQuietly(tb, ln) })
	return ln
}

func open(tb testing.TB, upstream string) *link.Link {
	tb.Helper()
	l, err := link.Open(tb.Context(), link.Config{From: "replica-1", To: "postgres", Listen: "127.0.0.1:0", Upstream: upstream})
	require.NoError(tb, err)
	addr := l.Addr()
	tb.Cleanup(func() {
		require.Equal(tb, addr, l.Addr(), "the address of a link never changes")
		require.NoError(tb, l.Close(context.WithoutCancel(tb.Context())))
	})
	return l
}

// connect gives both ends of a connection through the link.
func connect(tb testing.TB, l *link.Link, up net.Listener) (client, server net.Conn) {
	tb.Helper()
	return connectTo(tb, l.Addr(), up)
}

func connectTo(tb testing.TB, addr string, up net.Listener) (client, server net.Conn) {
	tb.Helper()
	client, err := net.Dial("tcp", addr)
	require.NoError(tb, err)
	server, err = up.Accept()
	require.NoError(tb, err)
	tb.Cleanup(func() { closeQuietly(tb, client); closeQuietly(tb, server) })
	return client, server
}

func closeQuietly(tb testing.TB, c io.Closer) {
	tb.Helper()
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		require.NoError(tb, err)
	}
}

// everyKind is one degradation of each kind, in both directions.
func everyKind() []drills.Degradation {
	kinds := []drills.Degradation{
		{Kind: drills.BlackHole}, {Kind: drills.Stall}, {Kind: drills.Refuse}, {Kind: drills.Reset},
		{Kind: drills.Latency, Delay: time.Millisecond}, {Kind: drills.Bandwidth, Rate: 10_000},
		{Kind: drills.Slice, Size: 2, Delay: time.Millisecond}, {Kind: drills.Limit, Bytes: 5},
	}
	for i := range kinds {
		kinds[i].Direction = drills.Both
	}
	return kinds
}

func exchange(tb testing.TB, client, server net.Conn) {
	tb.Helper()
	send(tb, client, "question")
	require.True(tb, heardWithin(tb, server, "question", 2*time.Second))
	send(tb, server, "answer")
	require.True(tb, heardWithin(tb, client, "answer", 2*time.Second))
}

func send(tb testing.TB, c net.Conn, words string) {
	tb.Helper()
	_, err := io.WriteString(c, words)
	require.NoError(tb, err)
}

// send2 sends on a connection that may be gone.
func send2(c net.Conn, words string) {
	if _, err := io.WriteString(c, words); err != nil {
		return
	}
}

func hears(tb testing.TB, c net.Conn, words string) bool {
	tb.Helper()
	return heardWithin(tb, c, words, quiet)
}

func heardWithin(tb testing.TB, c net.Conn, words string, d time.Duration) bool {
	tb.Helper()
	require.NoError(tb, c.SetReadDeadline(time.Now().Add(d)))
	got := make([]byte, len(words))
	n, err := io.ReadFull(c, got)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		require.Zero(tb, n, "a part of it came")
		return false
	}
	require.NoError(tb, err)
	require.Equal(tb, words, string(got))
	return true
}

// ended tells whether the other side's end of the connection is seen.
func ended(tb testing.TB, c net.Conn) bool {
	tb.Helper()
	require.NoError(tb, c.SetReadDeadline(time.Now().Add(quiet)))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

func requireClosed(tb testing.TB, c net.Conn) {
	tb.Helper()
	if err := c.SetReadDeadline(time.Now().Add(2 * time.Second)); err != nil {
		require.ErrorIs(tb, err, net.ErrClosed)
		return
	}
	_, err := io.Copy(io.Discard, c)
	require.NotErrorIs(tb, err, os.ErrDeadlineExceeded, "the connection is still open")
}

// clog writes until nothing more is taken.
func clog(tb testing.TB, c net.Conn) {
	tb.Helper()
	junk := []byte(strings.Repeat("x", 1<<20))
	for {
		require.NoError(tb, c.SetWriteDeadline(time.Now().Add(quiet)))
		if _, err := c.Write(junk); err != nil {
			require.ErrorIs(tb, err, os.ErrDeadlineExceeded)
			return
		}
	}
}

// fullBacklog gives the address of a dependency that takes no more
// connections, and what ends it.
func fullBacklog(t *testing.T) (addr string, end func()) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, unix.Listen(fd, 0))
	name, err := unix.Getsockname(fd)
	require.NoError(t, err)
	in, ok := name.(*unix.SockaddrInet4)
	require.True(t, ok)
	addr = (&net.TCPAddr{IP: in.Addr[:], Port: in.Port}).String()
	for {
		c, err := net.DialTimeout("tcp", addr, quiet)
		if err != nil {
			break
		}
		t.Cleanup(func() { closeQuietly(t, c) })
	}
	return addr, func() { require.NoError(t, unix.Close(fd)) }
}
