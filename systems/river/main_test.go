package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"
)

const (
	patience = 30 * time.Second
	poll     = 20 * time.Millisecond
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outside is a witness that lets its reader hold effects back.
type outside struct {
	*httptest.Server
	mu      sync.Mutex
	effects []effect
	once    chan effect   // each effect of kind once, when it arrives
	hold    chan struct{} // which is answered only when it is closed
}

func newOutside(t *testing.T) *outside {
	o := &outside{once: make(chan effect, 100), hold: make(chan struct{})}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e effect
		if r.Header.Get("Authorization") != "Bearer a-token" || json.NewDecoder(r.Body).Decode(&e) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		o.mu.Lock()
		o.effects = append(o.effects, e)
		o.mu.Unlock()
		if e.Kind == "once" {
			o.once <- e
			<-o.hold
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// beats are the effects of a leader so far.
func (o *outside) beats() (found []effect) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.effects {
		if e.Kind == "fenced" {
			found = append(found, e)
		}
	}
	return found
}

// host is the program, running.
type host struct {
	url  string
	pool *pgxpool.Pool // of the test
	stop func() error  // as SIGTERM does
}

func startHost(t *testing.T, o *outside, more map[string]string) *host {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	addr := listener.Addr().String()
	check(t, listener.Close())
	environment := map[string]string{
		"LISTEN": addr, "REPLICA": "replica-1", "DATABASE_URL": startPostgres(t), "WITNESS_URL": o.URL, "WITNESS_TOKEN": "a-token",
	}
	for name, value := range more {
		environment[name] = value
	}
	pool, err := openPool(t.Context(), environment["DATABASE_URL"], 2)
	check(t, err)
	t.Cleanup(pool.Close)

	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, func(name string) string { return environment[name] }, slog.New(slog.NewTextHandler(t.Output(), nil)))
	}()
	h := &host{url: "http://" + addr, pool: pool, stop: sync.OnceValue(func() error {
		cancel()
		return <-ended
	})}
	t.Cleanup(func() { check(t, h.stop()) })
	await(t, "the program is ready", func() bool {
		status, _, err := h.get(t, "/ready")
		return err == nil && status == http.StatusOK
	})
	return h
}

func (h *host) get(t *testing.T, path string) (status int, answer []byte, err error) {
	t.Helper()
	return h.call(t, http.MethodGet, path, "")
}

func (h *host) call(t *testing.T, method, path, body string) (status int, answer []byte, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, bytes.NewBufferString(body))
	check(t, err)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	answer, err = io.ReadAll(resp.Body)
	check(t, resp.Body.Close())
	return resp.StatusCode, answer, err
}

// submit submits a job, and returns its id in River.
func (h *host) submit(t *testing.T, key string, workMS, status int) (id int64) {
	t.Helper()
	got, answer, err := h.call(t, http.MethodPost, "/jobs", fmt.Sprintf(`{"key": %q, "subject": "job/%s", "args": {"work_ms": %d}}`, key, key, workMS))
	check(t, err)
	if got != status {
		t.Fatalf("job %s: got %d %s, want %d", key, got, answer, status)
	}
	var job struct{ Job int64 }
	check(t, json.Unmarshal(answer, &job))
	return job.Job
}

func (h *host) inspect(t *testing.T) (c counts) {
	t.Helper()
	_, answer, err := h.get(t, "/inspect")
	check(t, err)
	check(t, json.Unmarshal(answer, &c))
	return c
}

// mustTell wants that to be said of the job of a key.
func (h *host) mustTell(t *testing.T, key string, status int, said string) {
	t.Helper()
	got, answer, err := h.get(t, "/jobs/"+key)
	check(t, err)
	if got != status || string(bytes.TrimSpace(answer)) != said {
		t.Fatalf("of job %s it says %d %s, want %d %s", key, got, answer, status, said)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// await waits for what must come.
func await(t *testing.T, what string, come func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for !come() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}
