package local

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASharedAddressHasPortsThatNoOutgoingConnectionTakes(t *testing.T) {
	h, err := sharedHost()
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", h.ip.String())
	require.GreaterOrEqual(t, h.next, lowestPort)
	require.Less(t, h.limit, 32768, "where the kernel's default range begins")
	require.Greater(t, h.limit-h.next, attempts-2)
	require.NoError(t, h.release())
}

func TestAPortIsHandedOutOnceAndOnlyIfItIsFree(t *testing.T) {
	h, err := claimHost(t.Context())
	require.NoError(t, err)
	taken, err := net.Listen("tcp", net.JoinHostPort(h.ip.String(), "20002"))
	require.NoError(t, err)
	var got []string
	for range 3 {
		addr, err := h.port(t.Context())
		require.NoError(t, err)
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		got = append(got, port)
	}
	require.Equal(t, []string{"20001", "20003", "20004"}, got)
	require.NoError(t, taken.Close())

	_, err = net.Listen("tcp", net.JoinHostPort(h.ip.String(), "20000"))
	require.Error(t, err, "the claim keeps others away")
	require.NoError(t, h.release())
	h.next = h.limit
	for range 2 {
		_, err = h.port(t.Context())
	}
	require.ErrorContains(t, err, "none is free")
}
