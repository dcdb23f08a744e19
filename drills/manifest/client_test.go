package manifest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drillrun/drillrun/drills"
)

// serve has a replica's port answered by h, and returns its address.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// open is a client of that address, by a manifest.
func open(t *testing.T, source, addr string) drills.Client {
	t.Helper()
	c := parse(t, source).client(map[string]string{"http": addr, "admin": addr})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

var job = drills.Op{Name: "submit", Kind: `odd"kind`, Key: "k-1", Subject: "job/k 1", Args: []byte(`{"work_ms":5}`), ConcurrencyKey: "key-3"}

func TestAJobIsSubmittedAsTheManifestSays(t *testing.T) {
	var got *http.Request
	var body []byte
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			panic(err)
		}
		w.WriteHeader(http.StatusAccepted)
		if _, err := io.WriteString(w, `{"id":7}`+"\n"); err != nil {
			panic(err)
		}
	})
	answer, err := open(t, whole, addr).Do(t.Context(), job)
	require.NoError(t, err)
	require.JSONEq(t, `{"id":7}`, string(answer))
	require.Equal(t, "PUT /jobs/job%2Fk%201", got.Method+" "+got.RequestURI)
	require.Equal(t, "k-1", got.Header.Get("Idempotency-Key"))
	require.Equal(t, "key-3", got.Header.Get("Turn"))
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.JSONEq(t, `{"kind":"odd\"kind","args":{"work_ms":5}}`, string(body))

	bare := job
	bare.Args = nil
	_, err = open(t, small, addr).Do(t.Context(), bare)
	require.NoError(t, err)
	require.JSONEq(t, `{"key":"k-1","args":null}`, string(body))
}

func TestWhatAnAnswerMeans(t *testing.T) {
	const rejecting = "accepted: [202]\n  rejected: [409, 503]\n  path: /jobs"
	for status, certain := range map[int]bool{
		http.StatusConflict: true, http.StatusServiceUnavailable: true,
		http.StatusOK: false, http.StatusBadRequest: false, http.StatusInternalServerError: false, http.StatusTemporaryRedirect: false,
	} {
		addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, "/jobs", r.URL.Path, "a redirect is not followed")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		})
		_, err := open(t, strings.Replace(small, "path: /jobs", rejecting, 1), addr).Do(t.Context(), job)
		require.Error(t, err, status)
		if certain {
			require.ErrorIs(t, err, drills.ErrRejected, status)
		} else {
			require.NotErrorIs(t, err, drills.ErrRejected, status)
		}
	}
}

func TestOnlyARefusedConnectionIsCertain(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close())
	_, err = open(t, small, addr).Do(t.Context(), job)
	require.ErrorIs(t, err, drills.ErrRejected)

	broken := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err = open(t, small, broken).Do(t.Context(), job)
	require.Error(t, err)
	require.NotErrorIs(t, err, drills.ErrRejected)

	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil { // only then is it seen when the client hangs up
			panic(err)
		}
		<-r.Context().Done()
	})
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = open(t, small, silent).Do(short, job)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, drills.ErrRejected)
}

func TestHalfAnAcceptedAnswerIsNone(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusAccepted)
	})
	_, err := open(t, small, addr).Do(t.Context(), job)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, drills.ErrRejected)
}

func TestWithoutAWayToSubmitNothingIs(t *testing.T) {
	_, err := open(t, cutSubmit(small), "127.0.0.1:1").Do(t.Context(), job)
	require.ErrorIs(t, err, drills.ErrRejected)
}

// dying answers its first request, or none at all, carries out the next one and dies
// before it says so: the connection breaks, and its port takes no more.
type dying struct {
	*httptest.Server
	seen, done atomic.Int32
}

func newDying(t *testing.T) *dying {
	t.Helper()
	d := &dying{}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *dying) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(err)
	}
	if d.seen.Add(1) == 1 {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	d.done.Add(1)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if err := errors.Join(d.Listener.Close(), conn.(*net.TCPConn).SetLinger(0), conn.Close()); err != nil {
		panic(err)
	}
}

func TestARequestIsSentOnce(t *testing.T) {
	submits := func(lines string) string {
		return strings.Replace(small, `  path: /jobs
  body: '{"key": "${key}", "args": ${args}}'`, lines, 1)
	}
	const header = "\n  headers: {Idempotency-Key: \"${key}\"}"
	for name, source := range map[string]string{
		"with a body":                        small,
		"with a body and an idempotency key": submits("  path: /jobs\n  body: '${key} ${args}'" + header),
		"without a body, with such a key":    submits("  path: /jobs/${key}" + header),
		"by GET":                             submits("  method: GET\n  path: /jobs/${key}"),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDying(t)
			client := open(t, source, d.Listener.Addr().String())
			_, err := client.Do(t.Context(), job)
			require.NoError(t, err)
			_, err = client.Do(t.Context(), job)
			require.Error(t, err)
			require.NotErrorIs(t, err, drills.ErrRejected, "it was carried out")
			require.EqualValues(t, 1, d.done.Load())
		})
	}
}
