package backends_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drillrun/drillrun/reference/backends"
	"github.com/drillrun/drillrun/reference/backoff"
	"github.com/drillrun/drillrun/reference/effects"
	"github.com/drillrun/drillrun/reference/metrics"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang has a call wait until its sender gives up.
const hang = -1

// place is one end of the wire: a backend, or the witness.
type place struct {
	mu        sync.Mutex
	status    int // of effects and durations; 0 is by the rules
	pings     int
	effects   []effects.Effect
	durations []effects.Durations
}

func newPlace(t testing.TB) (*place, string) {
	t.Helper()
	p := &place{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, server.URL
}

// answer has all calls from now on answered with status.
func (p *place) answer(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Authorization") != "Bearer token" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := p.take(r.URL.Path, body)
	if status == hang {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(status)
}

func (p *place) take(path string, body []byte) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	sound := http.StatusOK
	switch path {
	case "/healthz":
		p.pings++
		if p.status == hang { // its calls hang, itself it is well
			return http.StatusOK
		}
	case "/v1/effects":
		var e effects.Effect
		if json.Unmarshal(body, &e) != nil {
			return http.StatusBadRequest
		}
		p.effects = append(p.effects, e)
	case "/v1/durations":
		var d effects.Durations
		if json.Unmarshal(body, &d) != nil {
			return http.StatusBadRequest
		}
		p.durations = append(p.durations, d)
		sound = http.StatusNoContent
	}
	if p.status != 0 {
		return p.status
	}
	return sound
}

// calls are the effects that have arrived.
func (p *place) calls() []effects.Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]effects.Effect(nil), p.effects...)
}

func (p *place) measured() []effects.Durations {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]effects.Durations(nil), p.durations...)
}

// world is a caller, its backends and the witness.
type world struct {
	*backends.Backends
	places  map[backends.Name]*place
	witness *place
	metrics *metrics.Set
}

var all = []backends.Name{backends.Compute, backends.Network, backends.Storage, backends.DNS, backends.LoadBalancer}

func newWorld(t testing.TB, change ...func(*backends.Config)) *world {
	t.Helper()
	w := &world{places: make(map[backends.Name]*place), metrics: metrics.New()}
	c := backends.Defaults()
	c.Replica, c.Token, c.Metrics, c.Log = "replica-1", "token", w.metrics, slog.New(slog.DiscardHandler)
	c.Short, c.Long, c.Reset, c.Wait = time.Second, time.Second, 300*time.Millisecond, 50*time.Millisecond
	c.Backoff = backoff.Policy{Base: time.Millisecond, Max: time.Millisecond}
	c.URLs = make(map[backends.Name]string)
	for _, name := range all {
		w.places[name], c.URLs[name] = newPlace(t)
	}
	var url string
	w.witness, url = newPlace(t)
	client := effects.NewClient(url, "token", time.Second)
	t.Cleanup(client.Close)
	c.Reporter, c.Meter = client, client
	for _, f := range change {
		f(&c)
	}
	var err error
	w.Backends, err = backends.New(c)
	require.NoError(t, err)
	t.Cleanup(w.Close)
	return w
}

// run runs the reporting until the returned function is called, which waits for
// its end.
func (w *world) run(t testing.TB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// call calls with an effect of its own.
func (w *world) call(ctx context.Context, to backends.Name, key string) error {
	_, err := w.Call(ctx, to, effects.Effect{Subject: key, Key: key, Kind: effects.Once, Attempt: 7})
	return err
}

// trip fails a backend and calls it until its breaker is open.
func (w *world) trip(t testing.TB, name backends.Name) {
	t.Helper()
	w.places[name].answer(http.StatusServiceUnavailable)
	for range 5 {
		require.True(t, effects.Temporary(w.call(t.Context(), name, "trip")))
	}
	require.True(t, w.shows(`breaker_state{backend="`+string(name)+`",state="open"} 1`))
}

// shows says whether the metrics have a line.
func (w *world) shows(line string) bool {
	r := httptest.NewRecorder()
	w.metrics.Handler().ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return strings.Contains(r.Body.String(), "controlplane_"+line+"\n")
}

func eventually(t testing.TB, why string, f func() bool) {
	t.Helper()
	require.Eventually(t, f, 10*time.Second, time.Millisecond, why)
}
