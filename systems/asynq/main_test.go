package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	patience = 20 * time.Second
	poll     = 20 * time.Millisecond
	password = "not to be told"
)

// What go-redis leaves behind looks every second whether its pool is closed.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// startRedis starts a Redis of the test's own and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	host, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("redis-server", "--bind", host, "--port", port, "--dir", t.TempDir(), "--save", "", "--requirepass", password)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatalf("start redis-server (make deps installs it): %v", err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()         // "signal: killed"
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }() // ends with the server
			return "redis://:" + strings.ReplaceAll(password, " ", "%20") + "@" + net.JoinHostPort(host, port) + "/0"
		}
	}
	t.Fatal("redis-server ended before it was ready")
	return ""
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// outside is where effects are reported to. It refuses the first call for each
// key, so that every effect is reported twice at least.
type outside struct {
	mu    sync.Mutex
	calls map[string][]effect // by key
}

func startOutside(t *testing.T) (*outside, string) {
	t.Helper()
	o := &outside{calls: map[string][]effect{}}
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	return o, server.URL
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var e effect
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil || r.URL.Path != "/v1/effects" || r.Header.Get("Authorization") != "Bearer token" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls[e.Key] = append(o.calls[e.Key], e)
	if len(o.calls[e.Key]) == 1 {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

func (o *outside) of(key string) []effect {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]effect(nil), o.calls[key]...)
}

// host is a running replica.
type host struct {
	t    *testing.T
	addr string
	stop func() // and wait until it has
}

func startHost(t *testing.T, redis, witness string, flags ...string) *host {
	t.Helper()
	h := &host{t: t, addr: freeAddr(t)}
	environment := map[string]string{"LISTEN": h.addr, "REDIS_URL": redis, "WITNESS_URL": witness, "WITNESS_TOKEN": "token"}
	flags = append([]string{"-task-check-interval=20ms", "-shutdown-timeout=1s"}, flags...)
	set, err := readSettings(flags, func(name string) (string, bool) { value, ok := environment[name]; return value, ok })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, set, slog.New(slog.NewTextHandler(t.Output(), nil))) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	t.Cleanup(h.stop)
	return h
}

// ask returns the status and the answer, status 0 where there is none.
func (h *host) ask(method, path, body string) (status int, answer string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+h.addr+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(read)
}

func (h *host) want(status int, method, path, body string) string {
	h.t.Helper()
	got, answer := h.ask(method, path, body)
	if got != status {
		h.t.Fatalf("%s %s %s: status %d (%s), want %d", method, path, body, got, strings.TrimSpace(answer), status)
	}
	return answer
}

func (h *host) counts() (c counts) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(h.want(http.StatusOK, http.MethodGet, "/inspect", "")), &c); err != nil {
		h.t.Fatal(err)
	}
	return c
}

// told wants that to be said of the job of a key.
func (h *host) told(status int, key, said string) {
	h.t.Helper()
	if answer := strings.TrimSpace(h.want(status, http.MethodGet, "/jobs/"+url.PathEscape(key), "")); answer != said {
		h.t.Fatalf("of job %s it says %s, want %s", key, answer, said)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline, looks := time.NewTimer(patience), time.NewTicker(poll)
	defer deadline.Stop()
	defer looks.Stop()
	for !done() {
		select {
		case <-looks.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func (h *host) awaitReady() {
	h.t.Helper()
	await(h.t, "ready", func() bool { status, _ := h.ask(http.MethodGet, "/ready", ""); return status == http.StatusOK })
}

func TestAJobIsKnownByItsKey(t *testing.T) {
	world, url := startOutside(t)
	h := startHost(t, startRedis(t), url)
	h.awaitReady()
	if c := h.counts(); c.Unfinished != 0 || c.DeadLetters != 0 {
		t.Errorf("before the first job: %+v", c)
	}
	h.told(http.StatusNotFound, "k/1", "there is no such job")
	const submitted = `{"key": "k/1", "subject": "job/1", "args": null}`
	h.want(http.StatusAccepted, http.MethodPost, "/jobs", submitted)
	h.want(http.StatusAccepted, http.MethodPost, "/jobs", submitted)
	await(t, "the effect", func() bool { return len(world.of("k/1")) == 2 && h.counts().Unfinished == 0 })
	h.want(http.StatusAccepted, http.MethodPost, "/jobs", submitted) // it is completed, and still known
	h.told(http.StatusOK, "k/1", `{"state":"completed"}`)
	h.told(http.StatusNotFound, "k/3", "there is no such job")
	h.want(http.StatusAccepted, http.MethodPost, "/jobs", `{"key": "k/2", "subject": "job/2", "args": {"work_ms": 5}}`)
	await(t, "the next effect", func() bool { return len(world.of("k/2")) == 2 && h.counts().Unfinished == 0 })
	calls := world.of("k/1")
	if want := (effect{Subject: "job/1", Key: "k/1", Kind: "once", Attempt: 1}); len(calls) != 2 || calls[0] != want || calls[1] != want {
		t.Errorf("calls %+v, want %+v twice: the first was refused", calls, want)
	}
}

func TestAJobThatNobodyCanDoIsArchived(t *testing.T) {
	world, url := startOutside(t)
	h := startHost(t, startRedis(t), url)
	h.awaitReady()
	h.want(http.StatusAccepted, http.MethodPost, "/jobs", `{"key": "k", "subject": "job", "args": {"work_ms": -1}}`)
	await(t, "a dead letter", func() bool { return h.counts().DeadLetters == 1 })
	h.told(http.StatusOK, "k", `{"state":"archived"}`)
	if c := h.counts(); c.Unfinished != 0 || len(world.of("k")) != 0 {
		t.Errorf("counts %+v, effects %+v", c, world.of("k"))
	}
}

func TestWhatIsNoJobIsRejected(t *testing.T) {
	h := startHost(t, startRedis(t), "http://127.0.0.1:1")
	h.awaitReady()
	for _, body := range []string{"", "[]", `{"subject": "job"}`, `{"key": "k"}`, `{"key": "k", "subject": "job", "args": {"work_ms": "long"}}`} {
		h.want(http.StatusUnprocessableEntity, http.MethodPost, "/jobs", body)
	}
}

func TestATaskAtHandIsGivenBack(t *testing.T) {
	world, url := startOutside(t)
	redis := startRedis(t)
	first := startHost(t, redis, url)
	first.awaitReady()
	first.want(http.StatusAccepted, http.MethodPost, "/jobs", `{"key": "k", "subject": "job", "args": {"work_ms": 3000}}`)
	await(t, "the task is at hand", func() bool { return first.counts().Pending == 1 })
	first.stop()
	second := startHost(t, redis, url)
	await(t, "the effect", func() bool { return len(world.of("k")) == 2 })
	second.stop() // the completion is written before it ends
}

func TestWithoutRedisNothingIsAccepted(t *testing.T) {
	h := startHost(t, "redis://:secret@127.0.0.1:1/0", "http://127.0.0.1:1")
	await(t, "it listens", func() bool { status, _ := h.ask(http.MethodGet, "/ready", ""); return status != 0 })
	for _, path := range []string{"/ready", "/inspect"} {
		h.want(http.StatusServiceUnavailable, http.MethodGet, path, "")
	}
	h.want(http.StatusServiceUnavailable, http.MethodPost, "/jobs", `{"key": "k", "subject": "job", "args": null}`)
}

func TestSettingsThatAreMissingAreNamed(t *testing.T) {
	_, err := readSettings(nil, func(string) (string, bool) { return "", false })
	for _, name := range []string{"LISTEN", "REDIS_URL", "WITNESS_URL", "WITNESS_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %s in it", err, name)
		}
	}
	_, err = readSettings(nil, func(name string) (string, bool) { return "redis:// :" + password + "@" + name, true })
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("error %v, want one without the password", err)
	}
	if _, err = readSettings([]string{"now"}, func(string) (string, bool) { return "", true }); err == nil {
		t.Error("an argument that is no flag is taken")
	}
}
