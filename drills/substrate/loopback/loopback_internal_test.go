package loopback

import (
	"errors"
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
	require.NoError(t, h.Release())
}

func TestAPortIsHandedOutOnce(t *testing.T) {
	h, err := Claim(t.Context())
	require.NoError(t, err)
	require.Greater(t, h.next, claimPort)
	h.next = 20001
	require.Equal(t, []string{"20001", "20002", "20003"}, take(t, h, 3))
	_, err = net.Listen("tcp", net.JoinHostPort(h.ip.String(), "20000"))
	require.Error(t, err, "the claim keeps others away")
	require.NoError(t, h.Release())
	h.next = h.limit
	for range 2 {
		_, err = h.Port(t.Context())
	}
	require.ErrorContains(t, err, "none is free")
}

func TestAPortOfASharedAddressIsHandedOutOnlyIfItIsFree(t *testing.T) {
	claimed, err := Claim(t.Context())
	require.NoError(t, err)
	// An address of the test's own, used as if it were shared.
	shared := &Host{ip: claimed.ip, next: 20001, limit: 65535}
	taken, err := net.Listen("tcp", net.JoinHostPort(shared.ip.String(), "20002"))
	require.NoError(t, err)
	require.Equal(t, []string{"20001", "20003", "20004"}, take(t, shared, 3))
	require.NoError(t, taken.Close())
	require.NoError(t, claimed.Release())
}

func TestAPortOfAServiceOnAllAddressesIsNotHandedOut(t *testing.T) {
	for _, everyone := range []string{"0.0.0.0:0", "[::]:0"} {
		service, err := net.Listen("tcp", everyone)
		require.NoError(t, err)
		its := service.Addr().(*net.TCPAddr).Port
		h, err := Claim(t.Context())
		require.NoError(t, err)
		h.next = its
		addr, err := h.Port(t.Context())
		require.NoError(t, err)
		l, err := net.Listen("tcp", addr)
		require.NoError(t, err)
		require.Greater(t, l.Addr().(*net.TCPAddr).Port, its)
		require.NoError(t, errors.Join(l.Close(), service.Close(), h.Release()))
	}
}

func take(t *testing.T, h *Host, n int) (ports []string) {
	t.Helper()
	for range n {
		addr, err := h.Port(t.Context())
		require.NoError(t, err)
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		ports = append(ports, port)
	}
	return ports
}
