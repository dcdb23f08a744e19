package prober_test

import (
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/drills/substrate/substratetest/prober"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	patience = 10 * time.Second
	quiet    = 50 * time.Millisecond
)

func newProber(t *testing.T) *prober.Prober {
	t.Helper()
	p, err := prober.New(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// remote hands its orders to a prober over HTTP.
func remote(t *testing.T, p *prober.Prober) prober.Client {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return prober.Client(strings.TrimPrefix(server.URL, "http://"))
}

func do(t *testing.T, p prober.Peer, o prober.Order) prober.Report {
	t.Helper()
	r, err := p.Do(t.Context(), o)
	require.NoError(t, err)
	return r
}

func TestAProberTellsHowAConnectionFares(t *testing.T) {
	here := newProber(t)
	there := newProber(t)
	far := remote(t, there)
	near := do(t, here, prober.Order{Verb: prober.Dial, Addr: there.Addr(), Within: patience})
	taken := do(t, far, prober.Order{Verb: prober.Accept, Within: patience})
	require.Equal(t, prober.Fine, taken.End)

	do(t, here, prober.Order{Verb: prober.Send, Conn: near.Conn, Data: []byte("hello"), Within: patience})
	heard := do(t, far, prober.Order{Verb: prober.Receive, Conn: taken.Conn, Size: 5, Within: patience})
	require.Equal(t, prober.Fine, heard.End)
	require.Equal(t, "hello", string(heard.Data))
	do(t, far, prober.Order{Verb: prober.Send, Conn: taken.Conn, Data: []byte("part"), Within: patience})
	heard = do(t, here, prober.Order{Verb: prober.Receive, Conn: near.Conn, Size: 5, Within: quiet})
	require.Equal(t, prober.Silent, heard.End)
	require.Equal(t, "part", string(heard.Data))
	require.GreaterOrEqual(t, heard.Took, quiet)

	do(t, here, prober.Order{Verb: prober.HangUp, Conn: near.Conn})
	heard = do(t, far, prober.Order{Verb: prober.Receive, Conn: taken.Conn, Size: 1, Within: patience})
	require.Equal(t, prober.Closed, heard.End)
	require.Equal(t, prober.Silent, do(t, far, prober.Order{Verb: prober.Accept, Within: quiet}).End)
}

func TestAProberTellsAResetFromARefusal(t *testing.T) {
	here := newProber(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	dialled := do(t, here, prober.Order{Verb: prober.Dial, Addr: listener.Addr().String(), Within: patience})
	conn, err := listener.Accept()
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).SetLinger(0))
	require.NoError(t, conn.Close())
	ended := do(t, here, prober.Order{Verb: prober.Receive, Conn: dialled.Conn, Size: 1, Within: patience})
	require.Equal(t, prober.Reset, ended.End, ended.Detail)

	require.NoError(t, listener.Close())
	dialled = do(t, here, prober.Order{Verb: prober.Dial, Addr: listener.Addr().String(), Within: patience})
	require.Equal(t, prober.Refused, dialled.End, dialled.Detail)
}

func TestAProberKnocksUntilItIsClosed(t *testing.T) {
	here := newProber(t)
	there, err := prober.New(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	do(t, there, prober.Order{Verb: prober.Knock, Addr: here.Addr(), Within: time.Millisecond})
	for range 3 {
		require.Equal(t, prober.Fine, do(t, here, prober.Order{Verb: prober.Accept, Within: patience}).End)
	}
	do(t, there, prober.Order{Verb: prober.Burn, Size: 1, Within: time.Hour})
	require.NoError(t, there.Close())
}

func TestOrdersThatMakeNoSenseAreErrors(t *testing.T) {
	far := remote(t, newProber(t))
	for name, o := range map[string]prober.Order{
		"unknown verb":              {Verb: "dance"},
		"no connection":             {Verb: prober.Send, Conn: 7},
		"a connection long gone":    {Verb: prober.HangUp, Conn: 7},
		"no statement":              {Verb: prober.Ask, Addr: "redis://127.0.0.1:1"},
		"no such store":             {Verb: prober.Ask, Addr: "mysql://127.0.0.1:1", Statement: []string{"SELECT 1"}},
		"a knock all of the time":   {Verb: prober.Knock, Addr: "127.0.0.1:1"},
		"nothing to receive things": {Verb: prober.Receive, Size: 1},
	} {
		_, err := far.Do(t.Context(), o)
		require.ErrorContains(t, err, string(o.Verb), name)
	}
}
