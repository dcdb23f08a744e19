package postgres

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is a connection and its far end.
func pair(t *testing.T) (near, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	near, err = net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	far, err = l.Accept()
	require.NoError(t, err)
	return near, far
}

func TestUntouchedTellsASilentConnectionFromOneThatEnded(t *testing.T) {
	near, far := pair(t)
	require.True(t, untouched(near))
	_, err := far.Write([]byte("x"))
	require.NoError(t, err)
	require.Eventually(t, func() bool { return !untouched(near) }, time.Second, time.Millisecond)
	require.NoError(t, near.Close())

	near, other := pair(t)
	require.NoError(t, other.Close())
	require.Eventually(t, func() bool { return !untouched(near) }, time.Second, time.Millisecond)
	require.NoError(t, near.Close())
	require.NoError(t, far.Close())
	require.False(t, untouched(near), "a closed connection is of no use")
}

// pgx leaves a read pending on an idle connection after a slow write. To wait
// for that read would hang whoever wants the connection for ever.
func TestUntouchedDoesNotWaitForAPendingRead(t *testing.T) {
	near, far := pair(t)
	reading := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		reading <- err
	}()
	looked := make(chan bool, 1)
	require.Never(t, func() bool { return len(reading) > 0 }, 50*time.Millisecond, 10*time.Millisecond)
	go func() { looked <- untouched(near) }()
	select {
	case silent := <-looked:
		require.True(t, silent)
	case <-time.After(5 * time.Second):
		require.Fail(t, "it waits for the pending read")
	}
	require.NoError(t, far.Close())
	require.Error(t, <-reading)
	require.NoError(t, near.Close())
}
